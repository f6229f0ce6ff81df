"""Results of estimation: estimates of steps and solutions, and the rollouts that they are made from."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Case, ExpressionWrapper, F, Q, When
from django.db.models.functions import Coalesce

from apps.corpus.labels import UNKNOWN, hard_label
from apps.corpus.models import Solution, Step
from apps.estimation.models.runs import EstimationRun


class StepEstimateQuerySet(models.QuerySet["StepEstimate"]):
    def with_label(self) -> Self:
        """Add `is_good`, which is `corpus.labels.hard_label` in SQL: true for GREAT, false for BAD, null for UNKNOWN."""
        by_counts = Case(
            When(rollouts__gt=0, then=ExpressionWrapper(Q(successes__gt=0), output_field=models.BooleanField())),
            output_field=models.BooleanField(),
        )
        return self.annotate(is_good=Coalesce("hard", by_counts))


class StepEstimate(models.Model):
    """Successes out of rollouts from the prefix that ends with this step, in one run.

    Published Math-Shepherd files hold hard labels without counts: then only `hard` is set.
    """

    class Basis(models.TextChoices):
        """What the label is based on."""

        ROLLOUTS = "rollouts", "rollouts"
        ANSWER = "answer", "its own answer"
        INFERRED = "inferred", "rollouts of other steps"
        FILE = "file", "an imported file"

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="estimates", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="estimates")
    rollouts = models.PositiveIntegerField(null=True, blank=True)
    successes = models.PositiveIntegerField(null=True, blank=True)
    missing = models.PositiveIntegerField(default=0)
    hard = models.BooleanField(null=True, blank=True)
    basis = models.CharField(max_length=8, choices=Basis, default=Basis.FILE)
    tokens = models.BigIntegerField(default=0, help_text="Completion tokens of its rollouts.")

    objects = StepEstimateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "step"], name="one_estimate_per_run_and_step"),
            models.CheckConstraint(condition=Q(successes__lte=F("rollouts")), name="successes_within_rollouts"),
            models.CheckConstraint(
                condition=Q(hard__isnull=False) | Q(rollouts__isnull=False), name="estimate_has_a_label"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.successes} of {self.rollouts} at step {self.step_id}"

    @property
    def is_against_counts(self) -> bool:
        """Whether the run's label differs from that of this step's rollouts alone: a search uses all steps' rollouts."""
        by_counts = hard_label(self.rollouts, self.successes)
        return self.hard is not None and by_counts not in (UNKNOWN, hard_label(None, None, hard=self.hard))


class SolutionEstimate(models.Model):
    """A run's result for a solution: its first error, or why there is none."""

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="solutions", db_index=False)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="estimates")
    failure = models.TextField(blank=True, default="", help_text="Why there is no result; empty if there is one.")
    note = models.TextField(blank=True, default="", help_text="Missing rollouts, with the reason.")
    first_error = models.IntegerField(null=True, blank=True, help_text="A position; -1: no error; empty: unknown.")
    probability = models.FloatField(
        null=True, blank=True, help_text="Probability of this first error, by the strategy."
    )
    by_answer = models.BooleanField(default=False)
    rollouts = models.PositiveIntegerField(default=0)
    missing = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "solution"], name="one_estimate_per_run_and_solution"),
            models.CheckConstraint(condition=Q(first_error__gte=-1), name="first_error_is_a_position"),
            models.CheckConstraint(
                condition=Q(probability__isnull=True) | Q(probability__gte=0, probability__lte=1),
                name="probability_from_0_to_1",
            ),
        ]
        indexes = [
            models.Index(fields=["run", "id"], condition=~Q(failure=""), name="solution_estimate_failed"),
            models.Index(fields=["run", "probability"], name="solution_estimate_unsure"),
        ]

    def __str__(self) -> str:
        return f"first error {self.first_error} in solution {self.solution_id}"


class RolloutBatch(models.Model):
    """The outcomes of one request, one letter per rollout (`RolloutOutcome`).

    Rollouts of a step are numbered consecutively over its batches.
    """

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="batches", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="+")
    ordinal = models.PositiveIntegerField(help_text="Number of its first rollout at this step, from 0.")
    outcomes = models.CharField(max_length=4096)
    tokens = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True, default="", help_text="The endpoint's reason for missing rollouts.")

    class Meta:
        verbose_name_plural = "rollout batches"
        constraints = [models.UniqueConstraint(fields=["run", "step", "ordinal"], name="one_batch_per_ordinal")]

    def __str__(self) -> str:
        return f"{self.outcomes} at step {self.step_id}"


class Rollout(models.Model):
    """The text of a rollout, in runs that store them."""

    batch = models.ForeignKey(RolloutBatch, on_delete=models.CASCADE, related_name="rollouts", db_index=False)
    index = models.PositiveIntegerField()
    text = models.TextField()
    answer = models.TextField(blank=True, default="")
    outcome = models.CharField(max_length=1)

    class Meta:
        ordering = ["index"]
        constraints = [models.UniqueConstraint(fields=["batch", "index"], name="one_rollout_per_batch_and_index")]

    def __str__(self) -> str:
        return self.text[:60]
