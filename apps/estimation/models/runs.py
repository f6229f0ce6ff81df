"""Estimation runs, and the shards in which workers claim their solutions."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs.model import Job
from apps.inference.models import Endpoint
from apps.projects.models import Project


class EstimationRun(Job):
    """Monte Carlo labels made with one set of parameters. `done` and `total` count solutions.

    Parameters are frozen at the start. A run that was imported has an `origin` (the file's format) and no endpoint.
    Counters are updated in the transactions that store what they count.
    """

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="estimation_runs")
    number = models.PositiveIntegerField()
    strategy = models.CharField(max_length=30)
    completer = models.TextField(blank=True, default="", help_text="The model that continued the prefixes.")
    origin = models.CharField(max_length=30, blank=True, default="")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    endpoint = models.ForeignKey(Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    options = models.JSONField(default=dict, blank=True, help_text="Settings of the strategy.")
    sampling = models.JSONField(default=dict, blank=True, help_text="Sampling parameters of the rollouts.")
    prompt = models.JSONField(default=dict, blank=True, help_text="The template that turns a prefix into a prompt.")
    selection = models.JSONField(default=dict, blank=True, help_text="Filter on the project's solutions.")
    budget = models.JSONField(default=dict, blank=True, help_text="Limits at which the run pauses.")
    versions = models.JSONField(default=dict, blank=True, help_text="Versions of Annotate and of the verifiers.")
    seed = models.BigIntegerField(default=0)
    answers_suffice = models.BooleanField(
        default=False, help_text="All steps of a solution with a right final answer are good, without rollouts."
    )
    keeps_rollouts = models.BooleanField(default=False, help_text="Whether the texts of rollouts are stored.")
    price_in = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    price_out = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)

    first_solution = models.BigIntegerField(
        default=0, help_text="Last claimed solution; the next shard begins after it."
    )
    last_solution = models.BigIntegerField(default=0, help_text="The newest solution when the run was made.")
    failed = models.BigIntegerField(default=0, help_text="Solutions without a result; each has its reason.")
    by_answer = models.BigIntegerField(default=0, help_text="Solutions labeled by their right answer alone.")
    steps = models.BigIntegerField(default=0)
    rollouts = models.BigIntegerField(default=0, help_text="Counted rollouts.")
    missing = models.BigIntegerField(default=0, help_text="Rollouts that were cut off, unreadable or not answered.")
    requests = models.BigIntegerField(default=0, help_text="HTTP requests, retries included.")
    prompt_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    tokens_are_estimated = models.BooleanField(default=False)
    notices = models.JSONField(
        default=list, blank=True, help_text="Settings that the endpoint refuses, and missing rollouts."
    )
    worked_s = models.FloatField(default=0, help_text="Seconds at work before the last resumption, without pauses.")
    resumed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["project", "number"], name="one_estimation_run_per_number")]

    def __str__(self) -> str:
        return f"{self.strategy}, run {self.number}"

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def seconds(self) -> float | None:
        """Seconds at work, without pauses; None before the start."""
        if self.started_at is None:
            return None
        if self.resumed_at is None:
            return self.worked_s
        return self.worked_s + ((self.finished_at or timezone.now()) - self.resumed_at).total_seconds()

    @property
    def rollouts_per_s(self) -> float | None:
        """Counted rollouts per second at work; None before the first one."""
        seconds = self.seconds
        return self.rollouts / seconds if seconds and self.rollouts else None

    @property
    def cost(self) -> float | None:
        """In the currency of the endpoint's prices; None without prices."""
        if self.price_in is None and self.price_out is None:
            return None
        return float((self.price_in or 0) * self.prompt_tokens + (self.price_out or 0) * self.completion_tokens) / 1e6


class ShardQuerySet(models.QuerySet["Shard"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)


class Shard(models.Model):
    """A range of the run's solutions, leased to one worker."""

    run = models.ForeignKey(EstimationRun, on_delete=models.CASCADE, related_name="shards", db_index=False)
    after = models.BigIntegerField(help_text="The run's solutions with IDs above this one")
    upto = models.BigIntegerField(help_text="and up to this one.")
    holder = models.CharField(max_length=60, blank=True, default="")
    leased_until = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = ShardQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "after"], name="one_shard_per_run_and_start")]
        indexes = [
            models.Index(fields=["run", "leased_until"], condition=Q(finished_at=None), name="shard_unfinished"),
        ]

    def __str__(self) -> str:
        return f"solutions {self.after} to {self.upto} of {self.run_id}"
