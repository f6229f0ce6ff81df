"""Rounds of human labeling: what is labeled, by whom, and how tasks are served."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q, Sum
from django.db.models.functions import Least
from django.utils import timezone

from apps.accounts.models import User
from apps.inference.models import Endpoint
from apps.projects.models import Guideline, Project

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from apps.labeling.models.tasks import RoundProgress, Task


class Protocol(models.TextChoices):
    """What the labeler does with one task. `protocols/` implements those that can be worked on here."""

    FIRST_ERROR = "first_error", "first error"
    EVERY_STEP = "every_step", "every step"
    BRANCHING = "branching", "branching"
    COMPARISON = "comparison", "comparison"


class RoundQuerySet(models.QuerySet["Round"]):
    def open(self) -> Self:
        return self.filter(status=Round.Status.OPEN)

    def served(self) -> Self:
        """Those in which people can work: an archived project serves no tasks."""
        return self.open().filter(project__archived_at=None)

    def with_submitted(self, seen_by: User | None = None) -> Self:
        """Adds `submitted`, the number of submissions that fill a slot, summed over the labelers' progress rows.

        For a labeler (`seen_by`), their own gold submissions count as well: see `progress.progress_for`.
        """
        counted: Any = Sum("progress__submitted", default=0)
        if seen_by is not None:
            own_gold = Sum("progress__gold", filter=Q(progress__labeler=seen_by), default=0)
            counted = Least(F("slot_count"), counted + own_gold)
        return self.annotate(submitted=counted)


class Round(models.Model):
    """A slice of labeling with one protocol, one redundancy and one version of the guidelines."""

    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        OPEN = "open", "open"
        PAUSED = "paused", "paused"
        CLOSED = "closed", "closed"

    class Kind(models.TextChoices):
        """What its submissions are for. Only those of WORK become labels: see `counted`."""

        WORK = "work", "work"
        SCREENING = "screening", "screening test"
        TRAINING = "training", "training"

    class Mode(models.TextChoices):
        BLIND = "blind", "blind: labelers see no other labels"
        VERIFY = "verify", "verify: labelers see the models' label of each step"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.IntegerField()
    name = models.CharField(max_length=200, blank=True, default="")
    protocol = models.CharField(max_length=12, choices=Protocol)
    redundancy = models.PositiveSmallIntegerField(default=1, help_text="People per task.")
    gold_share = models.FloatField(default=0, help_text="Share of gold tasks among the tasks served, 0 to 1.")
    lease_minutes = models.PositiveSmallIntegerField(default=20)
    guideline = models.ForeignKey(Guideline, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    show_reference = models.BooleanField(default=True, help_text="Labelers see the reference answer.")
    kind = models.CharField(
        max_length=9,
        choices=Kind,
        default=Kind.WORK,
        help_text="Work, a screening (a test on gold that comes before work), or training on gold.",
    )
    mode = models.CharField(max_length=6, choices=Mode, default=Mode.BLIND)
    options = models.JSONField(default=dict, blank=True, help_text="The protocol's settings.")
    endpoint = models.ForeignKey(
        Endpoint,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Samples candidates while the labeler works, where the protocol uses them.",
    )
    skills = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, help_text="Only for members who have all of them."
    )
    is_for_named = models.BooleanField(default=False, help_text="Only for the labelers listed in `labelers`.")
    labelers = models.ManyToManyField(User, blank=True, related_name="named_in_rounds")
    needs_screening = models.BooleanField(
        default=False, help_text="Only for labelers who have passed the project's screening."
    )
    pass_mark = models.FloatField(
        null=True, blank=True, help_text="In a screening: the agreement with gold that passes, 0 to 1."
    )
    tries = models.PositiveSmallIntegerField(default=1, help_text="In a screening: the number of attempts allowed.")
    most_people = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Where labelers disagree, the most people per task."
    )
    allows_corrections = models.BooleanField(
        default=True, help_text="Labelers may correct submitted work while the round is open."
    )
    fresh_eyes = models.BooleanField(
        default=False, help_text="Labelers do not get solutions that they have labeled in other rounds."
    )
    status = models.CharField(max_length=6, choices=Status, default=Status.DRAFT)
    selection = models.JSONField(default=dict, blank=True, help_text="Which solutions became tasks.")
    task_count = models.PositiveIntegerField(default=0)
    slot_count = models.PositiveIntegerField(default=0, help_text="Submissions needed: tasks times redundancy.")
    origin = models.CharField(
        max_length=30, blank=True, default="", help_text="Format of the file that it was imported from."
    )
    generation = models.IntegerField(null=True, blank=True, help_text="Its number in that file.")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True, help_text="When its tasks were created.")
    closed_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="Set while it is archived: lists leave it out.")

    objects = RoundQuerySet.as_manager()

    if TYPE_CHECKING:
        tasks: RelatedManager[Task]
        progress: RelatedManager[RoundProgress]

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["project", "number"], name="one_round_per_number"),
            models.UniqueConstraint(
                fields=["project", "origin", "generation", "protocol"],
                name="one_round_per_imported_generation",
                condition=~Q(origin=""),
                nulls_distinct=False,
            ),
            models.CheckConstraint(condition=Q(redundancy__gte=1), name="redundancy_is_positive"),
            models.CheckConstraint(condition=Q(gold_share__range=(0, 1)), name="gold_share_is_a_share"),
            models.CheckConstraint(condition=Q(pass_mark__range=(0, 1)), name="pass_mark_is_a_share"),
            models.CheckConstraint(
                condition=Q(pass_mark__isnull=True) | Q(kind="screening"), name="only_a_screening_has_a_pass_mark"
            ),
            models.CheckConstraint(
                condition=~Q(kind="screening") | Q(needs_screening=False), name="a_screening_needs_no_screening"
            ),
            models.CheckConstraint(condition=Q(tries__gte=1), name="tries_is_positive"),
            models.CheckConstraint(condition=Q(lease_minutes__range=(1, 1440)), name="lease_minutes_in_range"),
            models.CheckConstraint(condition=Q(kind__in=["work", "screening", "training"]), name="round_kind_is_known"),
            models.CheckConstraint(condition=Q(mode__in=["blind", "verify"]), name="round_mode_is_known"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "open", "paused", "closed"]), name="round_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"round {self.number}"

    @property
    def is_screening(self) -> bool:
        return self.kind == self.Kind.SCREENING

    @property
    def is_training(self) -> bool:
        return self.kind == self.Kind.TRAINING

    @property
    def is_all_gold(self) -> bool:
        """Whether each labeler does all of its tasks, which are gold: a screening or training of Annotate's own.

        Such a round has no slots to fill. Those of a file have slots, since their submissions were imported.
        """
        return self.kind != self.Kind.WORK and not self.origin
