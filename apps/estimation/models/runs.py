"""Estimation runs, and the shards in which workers claim their solutions."""

from __future__ import annotations

from typing import Self

from django.db import models

from apps.projects.models import Project
from apps.runs.models import RunShard, ShardedRun


class EstimationRun(ShardedRun):
    """Monte Carlo labels made with one set of parameters."""

    task = "apps.estimation.tasks.work_on_run"
    verb = "estimation"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="estimation_runs")
    strategy = models.CharField(max_length=30)
    completer = models.TextField(blank=True, default="", help_text="The model that continued the prefixes.")
    sampling = models.JSONField(default=dict, blank=True, help_text="Sampling parameters of the rollouts.")
    seed = models.BigIntegerField(default=0)
    answers_suffice = models.BooleanField(
        default=False, help_text="All steps of a solution with a right final answer are good, without rollouts."
    )
    keeps_rollouts = models.BooleanField(default=False, help_text="Whether the texts of rollouts are stored.")
    by_answer = models.BigIntegerField(default=0, help_text="Solutions labeled by their right answer alone.")
    rollouts = models.BigIntegerField(default=0, help_text="Counted rollouts.")

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_estimation_run_per_number")]

    def __str__(self) -> str:
        return f"{self.strategy}, run {self.number}"

    @property
    def rollouts_per_s(self) -> float | None:
        """Counted rollouts per second at work; None before the first one."""
        seconds = self.seconds
        return self.rollouts / seconds if seconds and self.rollouts else None


class ShardQuerySet(models.QuerySet["Shard"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)


class Shard(RunShard):
    """A range of an estimation run's solutions."""

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="shards", db_index=False)

    objects = ShardQuerySet.as_manager()
