"""Rounds of human labeling: what is asked, of whom, and how it is handed out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, Count, F, Q, Sum, When
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Comparison, Solution
from apps.inference.models import Endpoint
from apps.projects.models import Guideline, Project

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager


class Protocol(models.TextChoices):
    """What the labeler does with one task. `protocols/` holds those that can be worked on here."""

    FIRST_ERROR = "first_error", "first error"
    EVERY_STEP = "every_step", "every step"
    BRANCHING = "branching", "branching"
    COMPARISON = "comparison", "comparison"


class RoundQuerySet(models.QuerySet["Round"]):
    def open(self) -> Self:
        return self.filter(status=Round.Status.OPEN)

    def with_submitted(self, seen_by: User | None = None) -> Self:
        """Adds `submitted`: the counted submissions, from the labelers' progress (a few rows), not the tasks.

        As a labeler sees it, their own gold counts as well: see `progress.progress_for`.
        """
        counted: Any = Sum("progress__submitted", default=0)
        if seen_by is not None:
            own = Sum("progress__gold", filter=Q(progress__labeler=seen_by), default=0)
            counted = Least(F("slot_count"), counted + own)
        return self.annotate(submitted=counted)


class Round(models.Model):
    """A slice of labeling with one protocol, one redundancy and one version of the guidelines."""

    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        OPEN = "open", "open"
        PAUSED = "paused", "paused"
        CLOSED = "closed", "closed"

    class Mode(models.TextChoices):
        BLIND = "blind", "blind: labelers see nobody's labels"
        VERIFY = "verify", "verify: labelers see what models say of each step"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.IntegerField()
    name = models.CharField(max_length=200, blank=True, default="")
    protocol = models.CharField(max_length=12, choices=Protocol)
    redundancy = models.PositiveSmallIntegerField(default=1, help_text="People per task.")
    gold_share = models.FloatField(default=0, help_text="Share of tasks served whose labels are known, 0 to 1.")
    lease_minutes = models.PositiveSmallIntegerField(default=20)
    guideline = models.ForeignKey(Guideline, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    show_reference = models.BooleanField(default=True, help_text="Labelers see the reference answer.")
    is_screening = models.BooleanField(default=False, help_text="A test with known labels, before real work.")
    mode = models.CharField(max_length=6, choices=Mode, default=Mode.BLIND)
    options = models.JSONField(default=dict, blank=True, help_text="The protocol's settings.")
    endpoint = models.ForeignKey(
        Endpoint,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Continues a prefix while the labeler reads, where the protocol wants candidates.",
    )
    skills = ArrayField(
        models.CharField(max_length=40), default=list, blank=True, help_text="Only members who have all of them."
    )
    is_for_named = models.BooleanField(default=False, help_text="Only the labelers that it names.")
    labelers = models.ManyToManyField(User, blank=True, related_name="named_in_rounds")
    needs_screening = models.BooleanField(default=False, help_text="Only who has passed the project's screening.")
    pass_mark = models.FloatField(null=True, blank=True, help_text="Of a screening: share of agreement, 0 to 1.")
    tries = models.PositiveSmallIntegerField(default=1, help_text="Of a screening: how often it may be taken.")
    most_people = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Where people do not agree, up to so many are asked."
    )
    allows_corrections = models.BooleanField(default=True, help_text="Submitted work may be corrected while open.")
    status = models.CharField(max_length=6, choices=Status, default=Status.DRAFT)
    selection = models.JSONField(default=dict, blank=True, help_text="Which solutions became tasks.")
    task_count = models.PositiveIntegerField(default=0)
    slot_count = models.PositiveIntegerField(default=0, help_text="Submissions needed: tasks times redundancy.")
    origin = models.CharField(max_length=30, blank=True, default="", help_text="Format of the file it came with.")
    generation = models.IntegerField(null=True, blank=True, help_text="Its number in that file.")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True, help_text="When its tasks were made.")
    closed_at = models.DateTimeField(null=True, blank=True)

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
                condition=Q(pass_mark__isnull=True) | Q(is_screening=True), name="only_a_screening_has_a_pass_mark"
            ),
            models.CheckConstraint(
                condition=Q(is_screening=False) | Q(needs_screening=False), name="a_screening_needs_none_before_it"
            ),
            models.CheckConstraint(condition=Q(tries__gte=1), name="a_screening_can_be_taken"),
            models.CheckConstraint(condition=Q(lease_minutes__range=(1, 1440)), name="a_lease_is_a_day_at_most"),
            models.CheckConstraint(condition=Q(mode__in=["blind", "verify"]), name="round_mode_is_known"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "open", "paused", "closed"]), name="round_status_is_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"round {self.number}"


class TaskQuerySet(models.QuerySet["Task"]):
    def add_slots(self, count: int) -> int:
        """So many more people are asked, but about what was withdrawn nobody is. Returns the number of tasks."""
        return self.update(open_slots=Case(When(withdrawn="", then=F("open_slots") + count), default=0))

    def with_missing(self) -> Self:
        """Adds `missing`: how many submissions the task still needs; a lease is none yet."""
        submitted = Count("assignments", filter=Q(assignments__state="submitted"))
        needed = F("round__redundancy") + F("extra_slots") - submitted
        return self.annotate(missing=Greatest(needed, 0, output_field=models.IntegerField()))

    def lock(self) -> list[int]:
        """Their ids, in whose order everybody locks tasks; what refers to them may be written meanwhile."""
        return list(self.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


class Task(models.Model):
    """One unit of work in a round: a solution, or a comparison. `open_slots` counts the people still to be asked."""

    class Withdrawn(models.TextChoices):
        RETIRED = "retired", "the problem is retired"
        RESPLIT = "resplit", "the solution's steps were split anew"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    solution = models.ForeignKey(Solution, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks")
    comparison = models.ForeignKey(Comparison, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks")
    priority = models.IntegerField(default=0, help_text="Higher is served first.")
    is_gold = models.BooleanField(default=False)
    open_slots = models.IntegerField()
    extra_slots = models.PositiveSmallIntegerField(db_default=0, help_text="Opened because people did not agree.")
    withdrawn = models.CharField(
        max_length=7,
        blank=True,
        default="",
        db_default="",
        choices=Withdrawn,
        help_text="Why nobody is asked any more.",
    )

    objects = TaskQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "solution"], name="one_task_per_round_and_solution"),
            models.UniqueConstraint(
                fields=["round", "comparison"],
                name="one_task_per_round_and_comparison",
                condition=Q(comparison__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(solution__isnull=False, comparison__isnull=True)
                | Q(solution__isnull=True, comparison__isnull=False),
                name="task_is_a_solution_or_a_comparison",
            ),
            models.CheckConstraint(condition=Q(open_slots__gte=0), name="task_is_never_over_assigned"),
            models.CheckConstraint(
                condition=Q(withdrawn="") | Q(open_slots=0), name="nobody_is_asked_about_a_withdrawn_task"
            ),
        ]
        indexes = [
            # The queue reads this index in order, and only what is left of it.
            models.Index(
                F("round"), F("priority") * -1, F("id"), name="task_queue", condition=Q(open_slots__gt=0, is_gold=False)
            ),
            models.Index(fields=["round", "id"], name="gold_queue", condition=Q(is_gold=True)),
        ]

    def __str__(self) -> str:
        return f"task {self.pk} of {self.round}"

    @property
    def withdrawal(self) -> str:
        """Why nobody is asked any more, in words; empty where people are."""
        return f"Nobody is asked about it any more: {self.get_withdrawn_display()}" if self.withdrawn else ""


class RoundProgress(models.Model):
    """A labeler's place in a round: where they are in the queue, and how much they did.

    The cursor keeps a claim's cost flat: nobody walks again past the tasks that they have had.
    Counting here spares the round a row that every submission would fight for.
    """

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="progress", db_index=False)
    labeler = models.ForeignKey(User, on_delete=models.CASCADE, related_name="round_progress")
    cursor_rank = models.IntegerField(null=True, blank=True, help_text="Minus the priority of the last task.")
    cursor_task = models.BigIntegerField(null=True, blank=True)
    submitted = models.PositiveIntegerField(default=0)
    gold = models.PositiveIntegerField(
        db_default=0, help_text="Submissions whose labels were known: they fill no slot."
    )
    attempt = models.PositiveSmallIntegerField(db_default=1, help_text="In a screening: which try this is.")
    score = models.FloatField(null=True, blank=True, help_text="In a screening: agreement with gold, 0 to 1.")
    passed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "labeler"], name="one_seat_per_round_and_labeler")]

    def __str__(self) -> str:
        return f"{self.labeler} in {self.round}"
