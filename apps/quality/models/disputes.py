"""Which solutions are in dispute, and how many of each kind."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.corpus.models import Solution
from apps.projects.models import Project


class OpenDispute(models.Model):
    """A kind of dispute that a solution is in, until it is settled. The kinds are `disputes.kinds.Dispute`."""

    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="disputes", db_index=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=30)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["solution", "kind"], name="one_dispute_per_solution_and_kind")]
        indexes = [models.Index(fields=["project", "kind", "solution"], name="dispute_by_kind")]

    def __str__(self) -> str:
        return f"{self.kind} in solution {self.solution_id}"


class DisputeCount(models.Model):
    """How many solutions of a project are in a kind of dispute. It is stored, as counting the rows takes too long."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+", db_index=False)
    kind = models.CharField(max_length=30)
    count = models.IntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "kind"], name="one_count_per_project_and_kind")]

    def __str__(self) -> str:
        return f"{self.count} of {self.kind}"
