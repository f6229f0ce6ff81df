"""Verdicts: what a judge says of steps, solutions and comparisons in one run; and revised solutions."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q

from apps.corpus.labels import CHOICES, MARGINS
from apps.corpus.models import Comparison, Solution, Step
from apps.judging.models.judges import Judge
from apps.judging.models.runs import JudgeRun, oldest_run_first
from apps.runs.status import counted_run_q


class ItemOutcome(models.TextChoices):
    """How an item ends, as `kinds.base.Result` has it. Only `VERDICT` is ever used."""

    VERDICT = "verdict", "verdict"
    TIED = "tied", "tied votes"
    INCONSISTENT = "inconsistent", "inconsistent"
    REFUSAL = "refusal", "refusal"
    UNREADABLE = "unreadable", "unreadable"


class VerdictQuerySet(models.QuerySet["StepVerdict"]):
    def oldest_run_first(self, *fields: str) -> Self:
        """The order that decides which of a judge's runs is the newest."""
        return self.order_by(*oldest_run_first("run__"), *fields)

    def counted(self) -> Self:
        """Verdicts of runs that have ended, and of files."""
        return self.filter(counted_run_q("run__"))


class SolutionVerdictQuerySet(models.QuerySet["SolutionVerdict"]):
    def undecided(self) -> Self:
        """Results of counted runs that name no first error, although the judge was asked for it."""
        counted = self.filter(counted_run_q("run__"), run__judge__kind__in=(Judge.Kind.STEPS, Judge.Kind.CHORUS))
        return counted.exclude(outcome=ItemOutcome.VERDICT)


class StepVerdict(models.Model):
    """A judge's rating of one step. A step that the judge did not rate has no row."""

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="step_verdicts", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="verdicts")
    rating = models.SmallIntegerField()
    confidence = models.FloatField(null=True, blank=True, help_text="How certain the judge is, 0 to 1.")
    reason = models.TextField(blank=True, default="")

    objects = VerdictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_verdict_per_run_and_step"),
            models.CheckConstraint(condition=Q(rating__in=[-1, 0, 1]), name="verdict_rating_in_range"),
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
                name="verdict_confidence_is_a_share",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} on step {self.step_id}"


class SolutionVerdict(models.Model):
    """A run's result for a solution: the first error, whether it passes, or why there is neither.

    `share` is the share of the votes that the result has.
    """

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="solution_verdicts", db_index=False)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="verdicts")
    outcome = models.CharField(max_length=12, choices=ItemOutcome)
    first_error = models.IntegerField(null=True, blank=True, help_text="A position; -1: no error; empty: not asked.")
    passes = models.BooleanField(null=True, blank=True, help_text="Empty: not asked.")
    share = models.FloatField(null=True, blank=True)
    reason = models.TextField(blank=True, default="", help_text="The judge's reason, or why there is no verdict.")
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)

    objects = SolutionVerdictQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "solution"], name="one_verdict_per_run_and_solution"),
            models.CheckConstraint(condition=Q(first_error__gte=-1), name="verdict_first_error_is_a_position"),
            models.CheckConstraint(
                condition=Q(share__isnull=True) | Q(share__gte=0, share__lte=1), name="solution_verdict_share"
            ),
        ]
        indexes = [
            models.Index(fields=["run", "id"], condition=~Q(outcome="verdict"), name="solution_verdict_without"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} on solution {self.solution_id}"


class ComparisonVerdict(models.Model):
    """A run's result for a comparison. Both orders were asked; a verdict that flips with them is inconsistent."""

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="comparison_verdicts", db_index=False)
    comparison = models.ForeignKey(Comparison, on_delete=models.CASCADE, related_name="verdicts")
    outcome = models.CharField(max_length=12, choices=ItemOutcome)
    choice = models.CharField(max_length=5, choices=[(choice, choice) for choice in CHOICES], blank=True, default="")
    margin = models.CharField(max_length=13, choices=[(margin, margin) for margin in MARGINS], blank=True, default="")
    share = models.FloatField(null=True, blank=True, help_text="Share of the pairs of votes that the choice has.")
    pairs = models.PositiveIntegerField(default=0, help_text="Pairs of votes that can be read in both orders.")
    flips = models.PositiveIntegerField(default=0, help_text="Pairs whose choice changed with the order.")
    shown_first = models.JSONField(
        default=dict, blank=True, help_text="How often the side shown first, second, or neither was preferred."
    )
    principles = models.JSONField(default=list, blank=True, help_text="Names of the principles that were asked about.")
    reason = models.TextField(blank=True, default="", help_text="The judge's reason, or why there is no verdict.")
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "comparison"], name="one_verdict_per_run_and_comparison"),
            models.CheckConstraint(
                condition=Q(outcome="verdict") ^ Q(choice=""), name="decided_preference_verdict_has_a_choice"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.choice or self.outcome} on comparison {self.comparison_id}"

    @property
    def position_note(self) -> str:
        """The place that an inconsistent judge preferred in every reply; empty if it has none."""
        replies = sum(self.shown_first.values())
        if self.outcome != ItemOutcome.INCONSISTENT or not replies:
            return ""
        place = next((place for place in ("first", "second") if self.shown_first.get(place) == replies), "")
        return f"it chose whichever was shown {place}" if place else ""


class Revision(models.Model):
    """A critique of a solution by one principle, and the revised text. `ordinal` counts the revisions of a solution."""

    run = models.ForeignKey(JudgeRun, on_delete=models.CASCADE, related_name="revisions", db_index=False)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="revisions")
    ordinal = models.PositiveIntegerField()
    principle = models.TextField()
    critique = models.TextField()
    revised = models.ForeignKey(
        Solution, null=True, on_delete=models.SET_NULL, related_name="+", help_text="Empty: the text is unchanged."
    )

    class Meta:
        ordering = ["ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["run", "solution", "ordinal"], name="one_revision_per_ordinal"),
        ]

    def __str__(self) -> str:
        return f"revision {self.ordinal + 1} of solution {self.solution_id}"
