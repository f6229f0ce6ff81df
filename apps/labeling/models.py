"""What people say of steps: rounds of work, turns at a task, ratings."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q, Sum
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import Solution, Step
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

    def with_submitted(self) -> Self:
        """Adds `submitted`: the counted submissions, from the seats (a few rows), not the tasks."""
        return self.annotate(submitted=Sum("seats__submitted", default=0))


class Round(models.Model):
    """A slice of labeling with one protocol, one redundancy and one version of the guidelines."""

    class Status(models.TextChoices):
        DRAFT = "draft", "draft"
        OPEN = "open", "open"
        PAUSED = "paused", "paused"
        CLOSED = "closed", "closed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="rounds")
    number = models.IntegerField()
    name = models.CharField(max_length=200, blank=True, default="")
    protocol = models.CharField(max_length=12, choices=Protocol)
    redundancy = models.PositiveSmallIntegerField(default=1, help_text="People per task.")
    gold_share = models.FloatField(default=0, help_text="Share of tasks served whose labels are known, 0 to 1.")
    lease_minutes = models.PositiveSmallIntegerField(default=20)
    guideline = models.ForeignKey(Guideline, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    show_reference = models.BooleanField(default=True, help_text="Labelers see the reference answer.")
    is_screening = models.BooleanField(default=False)
    status = models.CharField(max_length=6, choices=Status, default=Status.DRAFT)
    selection = models.JSONField(default=dict, blank=True, help_text="Which solutions became tasks.")
    task_count = models.PositiveIntegerField(default=0)
    slot_count = models.PositiveIntegerField(default=0, help_text="Submissions needed: tasks times redundancy.")
    origin = models.CharField(max_length=30, blank=True, default="", help_text="Format of the file it came with.")
    generation = models.IntegerField(null=True, blank=True, help_text="Its number in that file.")
    created_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = RoundQuerySet.as_manager()

    if TYPE_CHECKING:
        tasks: RelatedManager[Task]
        seats: RelatedManager[Seat]

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
        ]

    def __str__(self) -> str:
        return self.name or f"round {self.number}"


class Task(models.Model):
    """One unit of work in a round. `open_slots` counts the people who are still to be asked."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    solution = models.ForeignKey(Solution, on_delete=models.CASCADE, related_name="tasks")
    priority = models.IntegerField(default=0, help_text="Higher is served first.")
    is_gold = models.BooleanField(default=False)
    open_slots = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "solution"], name="one_task_per_round_and_solution"),
            models.CheckConstraint(condition=Q(open_slots__gte=0), name="task_is_never_over_assigned"),
        ]
        indexes = [
            # The queue reads this index in order, and only what is left of it.
            models.Index(
                F("round"), F("priority") * -1, F("id"), name="task_queue", condition=Q(open_slots__gt=0, is_gold=False)
            ),
            models.Index(fields=["round"], name="task_gold", condition=Q(is_gold=True)),
        ]

    def __str__(self) -> str:
        return f"task {self.pk} of {self.round}"


class Seat(models.Model):
    """A labeler's place in a round: where they are in the queue, and how much they did.

    The cursor keeps a claim's cost flat: nobody walks again past the tasks that they have had.
    Counting here spares the round a row that every submission would fight for.
    """

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="seats", db_index=False)
    labeler = models.ForeignKey(User, on_delete=models.CASCADE, related_name="seats")
    cursor_rank = models.IntegerField(null=True, blank=True, help_text="Minus the priority of the last task.")
    cursor_task = models.BigIntegerField(null=True, blank=True)
    submitted = models.PositiveIntegerField(default=0)
    today = models.DateField(null=True, blank=True)
    submitted_today = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["round", "labeler"], name="one_seat_per_round_and_labeler")]

    def __str__(self) -> str:
        return f"{self.labeler} in {self.round}"


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def held_by(self, labeler: User) -> Self:
        return self.filter(labeler=labeler, state=Assignment.State.LEASED)

    def lapsed(self, at: datetime) -> Self:
        return self.filter(state=Assignment.State.LEASED, leased_until__lte=at)

    def with_problem(self) -> Self:
        """What a labeler is shown, but for the steps, in one query."""
        return self.select_related("task__solution__problem").only(
            "draft", "draft_version", "guideline_id", "is_quality_control", "labeler_id", "leased_at", "leased_until",
            "round_id", "state", "task__solution__problem__level", "task__solution__problem__reference_answer",
            "task__solution__problem__statement", "task__solution__problem__subject",
        )  # fmt: skip

    def spoken(self) -> Self:
        """Those whose labels count: handed in, on time or late."""
        return self.filter(state__in=[Assignment.State.SUBMITTED, Assignment.State.EXTRA])


class Assignment(models.Model):
    """One labeler's turn at one task: a lease first, then a submission."""

    class State(models.TextChoices):
        LEASED = "leased", "leased"
        SUBMITTED = "submitted", "submitted"
        EXTRA = "extra", "submitted after the slot was taken"
        RELEASED = "released", "given back"
        EXPIRED = "expired", "lease ran out"

    class FinishReason(models.TextChoices):
        FOUND_ERROR = "found_error", "found the first error"
        SOLUTION = "solution", "reached the end"
        BAD_PROBLEM = "bad_problem", "the problem is bad"
        GIVE_UP = "give_up", "gave up"

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="assignments")
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    labeler = models.ForeignKey(User, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    state = models.CharField(max_length=9, choices=State, default=State.LEASED)
    leased_at = models.DateTimeField(null=True, blank=True)
    leased_until = models.DateTimeField(null=True, blank=True)
    draft = models.JSONField(null=True, blank=True)
    draft_version = models.PositiveIntegerField(default=0)
    finish_reason = models.CharField(max_length=11, choices=FinishReason, blank=True, default="")
    reason = models.TextField(blank=True, default="", help_text="Why given up, or what is bad about the problem.")
    submitted_at = models.DateTimeField(null=True, blank=True)
    active_ms = models.BigIntegerField(null=True, blank=True)
    idle_ms = models.BigIntegerField(null=True, blank=True)
    guideline = models.ForeignKey(Guideline, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    digest = models.UUIDField(null=True, blank=True, help_text="Hash of the submission: the same again is one.")
    is_quality_control = models.BooleanField(default=False)
    extras = models.JSONField(null=True, blank=True)

    objects = AssignmentQuerySet.as_manager()

    if TYPE_CHECKING:
        step_labels: RelatedManager[StepLabel]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "labeler"],
                name="one_live_assignment_per_labeler",
                condition=Q(state__in=["leased", "submitted"]),
            ),
            models.CheckConstraint(
                condition=~Q(state="leased") | Q(leased_until__isnull=False), name="a_lease_has_an_end"
            ),
        ]
        indexes = [
            models.Index(fields=["leased_until"], name="lease_ends", condition=Q(state="leased")),
            models.Index(fields=["labeler", "round"], name="held_lease", condition=Q(state="leased")),
            models.Index(
                fields=["labeler", "round"], name="lapsed_with_draft", condition=Q(state="expired", draft_version__gt=0)
            ),
            models.Index(fields=["round", "submitted_at"], name="submission_by_round"),
            models.Index(fields=["labeler", "submitted_at"], name="submission_by_labeler"),
        ]

    def __str__(self) -> str:
        return f"{self.labeler} on task {self.task_id}"


class StepLabel(models.Model):
    """One person's word on one candidate. Null rating: not judged, or unsure. No row: unreached."""

    id = models.BigAutoField(primary_key=True)
    assignment = models.ForeignKey(Assignment, on_delete=models.CASCADE, related_name="step_labels", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.CASCADE, related_name="labels")
    rating = models.SmallIntegerField(null=True, blank=True)
    unsure = models.BooleanField(null=True, blank=True, default=False)
    chosen = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["assignment", "step"], name="one_label_per_assignment_and_step"),
            models.CheckConstraint(
                condition=Q(rating__isnull=True) | Q(rating__in=[-1, 0, 1]), name="step_rating_in_range"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rating} on step {self.step_id}"


class GoldLabel(models.Model):
    """A rating that somebody vouches for. It is true of the step, whatever round serves it."""

    step = models.OneToOneField(Step, on_delete=models.CASCADE, related_name="gold")
    rating = models.SmallIntegerField()
    origin = models.CharField(max_length=30, blank=True, default="", help_text="Format of the file it came with.")

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(rating__in=[-1, 0, 1]), name="gold_rating_in_range")]

    def __str__(self) -> str:
        return f"gold {self.rating} on step {self.step_id}"
