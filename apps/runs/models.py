"""The frame of runs, in which workers send items of a project, as solutions or comparisons, to an endpoint. Abstract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.core.jobs.model import Job
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.runs.selection import solutions_of

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Run(Job):
    """A job at an endpoint, on which the workers of all runs take turns."""

    # The task that workers are called with, and the first word of the events in the audit log.
    task: ClassVar[str]
    verb: ClassVar[str]

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    endpoint = models.ForeignKey(Endpoint, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    notices = models.JSONField(
        default=list, blank=True, help_text="Settings that the endpoint refuses, and what is missing."
    )

    if TYPE_CHECKING:
        objects: ClassVar[models.Manager[Self]]

    class Meta(Job.Meta):
        abstract = True

    def changed_model_reason(self) -> str | None:
        """Why the model that the endpoint has by now may not continue the run, as a sentence; None if it may."""
        return None


class ShardedRun(Run):
    """`done` and `total` count items (`items`), which workers claim in shards, in the order of their ids.

    Parameters are frozen at the start. A run that was imported has an `origin` (the file's format) and no endpoint.
    Counters are updated in the transactions that store what they count.
    """

    origin = models.CharField(max_length=30, blank=True, default="")
    options = models.JSONField(default=dict, blank=True, help_text="Settings of the strategy or of the kind.")
    prompt = models.JSONField(default=dict, blank=True, help_text="The template that turns a prefix into a prompt.")
    selection = models.JSONField(default=dict, blank=True, help_text="Filter on the project's solutions.")
    budget = models.JSONField(default=dict, blank=True, help_text="Limits at which the run pauses.")
    versions = models.JSONField(default=dict, blank=True, help_text="Versions of Annotate and of the verifiers.")
    price_in = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)
    price_out = models.DecimalField(max_digits=12, decimal_places=6, null=True, blank=True)

    claimed_upto = models.BigIntegerField(
        default=0, help_text="ID of the last claimed item; the next shard begins after it."
    )
    last_item = models.BigIntegerField(default=0, help_text="ID of the newest item when the run was made.")
    failed = models.BigIntegerField(default=0, help_text="Items without a result; each has its reason.")
    steps = models.BigIntegerField(default=0)
    missing = models.BigIntegerField(default=0, help_text="Rollouts or steps without a usable response.")
    requests = models.BigIntegerField(default=0, help_text="HTTP requests, retries included.")
    prompt_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    tokens_are_estimated = models.BooleanField(default=False)
    worked_s = models.FloatField(default=0, help_text="Seconds at work before the last resumption, without pauses.")
    resumed_at = models.DateTimeField(null=True, blank=True)

    if TYPE_CHECKING:
        shards: RelatedManager[RunShard]

    class Meta(Run.Meta):
        abstract = True

    def items(self) -> models.QuerySet[Any]:
        """What the run works on: by default the selected solutions."""
        return solutions_of(self.project, self.selection)

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
    def cost(self) -> float | None:
        """In the currency of the endpoint's prices; None without prices."""
        if self.price_in is None and self.price_out is None:
            return None
        return float((self.price_in or 0) * self.prompt_tokens + (self.price_out or 0) * self.completion_tokens) / 1e6


class RunShard(models.Model):
    """A range of a run's items, leased to one worker. The subclass has the foreign key `run`."""

    after = models.BigIntegerField(help_text="The run's items with IDs above this one")
    upto = models.BigIntegerField(help_text="and up to this one.")
    holder = models.CharField(max_length=60, blank=True, default="")
    leased_until = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["run", "after"], name="one_%(class)s_per_run_and_start")]
        indexes = [
            models.Index(fields=["run", "leased_until"], condition=Q(finished_at=None), name="%(class)s_unfinished"),
        ]

    def __str__(self) -> str:
        return f"items {self.after} to {self.upto}"
