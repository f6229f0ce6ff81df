"""The consensus labels of solutions and steps, and which solutions wait for a worker to compute them again."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Solution, Step
from apps.estimation.models import EstimationRun
from apps.judging.models import JudgeRun
from apps.projects.models import Project


class ConsensusMethod(models.TextChoices):
    """How a consensus label was reached."""

    ADJUDICATED = "adjudicated", "adjudicated"
    MAJORITY = "majority", "majority"
    PROCESSBENCH = "processbench", "ProcessBench's rule"
    DAWID_SKENE = "dawid-skene", "Dawid-Skene"


class StaleQuerySet(models.QuerySet["StaleSolution"]):
    def mark(self, project_id: int, solution_ids: list[int]) -> None:
        """Mark these solutions to be computed again."""
        self.bulk_create(StaleSolution(project_id=project_id, solution_id=pk) for pk in dict.fromkeys(solution_ids))


class StaleSolution(models.Model):
    """Labels of a solution changed, and no worker has computed its consensus since.

    Each change adds a row and updates none: a labeler who submits must not wait for the worker that reads them.
    """

    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_constraint=False)

    objects = StaleQuerySet.as_manager()

    def __str__(self) -> str:
        return f"solution {self.solution_id}"


class NotedRun(models.Model):
    """An ended estimation run whose solutions were marked as stale."""

    run = models.OneToOneField(EstimationRun, on_delete=models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return str(self.run)


class NotedJudgeRun(models.Model):
    """An ended judge run of ours whose solutions were marked as stale."""

    run = models.OneToOneField(JudgeRun, on_delete=models.CASCADE, primary_key=True, related_name="+")

    def __str__(self) -> str:
        return str(self.run)


class ConsensusQuerySet(models.QuerySet["Consensus"]):
    def settled(self) -> Self:
        return self.filter(state=Consensus.State.SETTLED)


class Consensus(models.Model):
    """The consensus on a solution's first error, how it was reached, and how certain it is."""

    class State(models.TextChoices):
        SETTLED = "settled", "settled"
        THIN = "thin", "fewer people than required"
        TIED = "tied", "tie"
        OPEN = "open", "needs more labels"
        DISCARDED = "discarded", "given up: no agreement"

    solution = models.OneToOneField(Solution, on_delete=models.CASCADE, primary_key=True, related_name="consensus")
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    state = models.CharField(max_length=9, choices=State)
    how = models.CharField(max_length=12, choices=ConsensusMethod)
    first_error = models.IntegerField(null=True, blank=True, help_text="A position; -1: none; empty: unknown.")
    certainty = models.FloatField(default=0)
    people = models.PositiveIntegerField(default=0, help_text="Labelers whose counted ratings it rests on.")
    required = models.PositiveIntegerField(
        default=1, db_default=1, help_text="Labelers that a settled label needs; with fewer it is thin."
    )
    adjudicated_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    note = models.TextField(blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    objects = ConsensusQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "consensus"
        constraints = [
            models.CheckConstraint(condition=Q(first_error__gte=-1), name="consensus_first_error_is_a_position"),
            models.CheckConstraint(condition=Q(certainty__range=(0, 1)), name="consensus_certainty_is_a_share"),
        ]
        indexes = [
            models.Index(fields=["project", "state", "solution"], name="consensus_by_state"),
            # Adjudicated solutions: few among many, and a queue of its own.
            models.Index(fields=["project", "solution"], name="consensus_adjudicated", condition=Q(how="adjudicated")),
        ]

    def __str__(self) -> str:
        return f"first error {self.first_error} in solution {self.solution_id}"


class StepConsensus(models.Model):
    """The consensus rating of a step. A step without a rating has no row."""

    step = models.OneToOneField(Step, on_delete=models.CASCADE, primary_key=True, related_name="consensus")
    rating = models.SmallIntegerField()
    certainty = models.FloatField(default=0)
    how = models.CharField(max_length=12, choices=ConsensusMethod)
    people = models.PositiveIntegerField(default=0, db_default=0, help_text="Labelers with a counted rating of it.")
    is_thin = models.BooleanField(
        default=False, db_default=False, help_text="Rests on fewer labelers than a settled label needs."
    )
    self_reviewed = models.BooleanField(
        db_default=False, help_text="Adjudicated by a reviewer who had labeled the solution, as the project allows."
    )

    class Meta:
        verbose_name_plural = "step consensus"
        constraints = [
            models.CheckConstraint(condition=Q(rating__in=[-1, 0, 1]), name="consensus_rating_in_range"),
        ]

    def __str__(self) -> str:
        return f"{self.rating} on step {self.step_id}"
