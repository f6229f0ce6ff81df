"""Replies of judge models, kept whole: generative verifiers are trained on them."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.corpus.models import Comparison, Solution
from apps.judging.models.runs import JudgeRun


class JudgeReply(models.Model):
    """One reply to one question of an item. `slot` numbers the questions of an item, `attempt` the repetitions."""

    class Outcome(models.TextChoices):
        VERDICT = "verdict", "verdict"
        REFUSAL = "refusal", "refusal"
        UNREADABLE = "unreadable", "unreadable"
        LOST = "lost", "not answered"

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="replies", db_index=False)
    solution = models.ForeignKey(Solution, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    comparison = models.ForeignKey(Comparison, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    slot = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField(default=0)
    outcome = models.CharField(max_length=10, choices=Outcome)
    text = models.TextField(blank=True, default="")
    verdict = models.JSONField(null=True, blank=True, help_text="What the parser made of it.")
    reason = models.TextField(blank=True, default="", help_text="Why there is no verdict.")
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name_plural = "replies"
        constraints = [
            models.UniqueConstraint(
                fields=["run", "solution", "comparison", "slot", "attempt"],
                name="one_reply_per_attempt",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(solution__isnull=True) ^ Q(comparison__isnull=True),
                name="reply_on_a_solution_or_comparison",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]
