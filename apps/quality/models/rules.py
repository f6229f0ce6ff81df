"""The settings of a project's quality control."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from apps.projects.models import Project


class QualityRules(models.Model):
    """How a project aggregates labels, and when gold suspends its labelers."""

    project = models.OneToOneField(Project, on_delete=models.CASCADE, related_name="quality_rules", primary_key=True)
    rule = models.CharField(max_length=20, default="majority", help_text="How several labels become one.")
    options = models.JSONField(default=dict, blank=True, help_text="The settings of the rule.")
    suspends = models.BooleanField(
        default=True,
        help_text="Labelers who fail gold get no more work until an owner lifts the suspension.",
    )
    pass_mark = models.FloatField(default=0.75, help_text="Share of gold tasks whose first error is found.")
    minimum = models.PositiveSmallIntegerField(default=5, help_text="Gold tasks before a labeler can be suspended.")
    min_labelers = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Labelers that a settled label needs; empty: as many as its round asks for."
    )
    convincing = models.FloatField(default=0.5, help_text="Verifier score from which a wrong answer is convincing.")
    hourly_cost = models.DecimalField(
        max_digits=8, decimal_places=2, null=True, blank=True, help_text="Of a labeler's active hour, in your currency."
    )
    allows_self_review = models.BooleanField(
        db_default=False,
        default=False,
        help_text="Reviewers may review solutions that they labeled; the audit log and exports mark these decisions.",
    )
    judge_bar = models.FloatField(
        default=0.8, help_text="What the lower bounds of both rates of a judge must reach, for a certificate."
    )
    reading_speed = models.PositiveSmallIntegerField(
        default=1000,
        null=True,
        blank=True,
        help_text="Words a minute: work that is faster than reading its text at this speed is marked. Empty: never.",
    )
    stale_all = models.BooleanField(default=False, help_text="Every solution waits to be computed again.")
    figures_are_stale = models.BooleanField(default=False, help_text="Labels changed after the figures were computed.")
    computed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "quality rules"
        constraints = [
            models.CheckConstraint(condition=Q(pass_mark__gt=0, pass_mark__lt=1), name="gold_pass_mark_is_a_share"),
            models.CheckConstraint(condition=Q(judge_bar__gt=0, judge_bar__lt=1), name="judge_bar_is_a_share"),
            models.CheckConstraint(condition=Q(minimum__gte=1), name="gold_minimum_is_positive"),
            models.CheckConstraint(condition=Q(min_labelers__gte=1), name="min_labelers_is_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} in {self.project}"
