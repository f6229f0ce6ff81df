"""Assignments: one labeler's work on one task, from the lease to the submission and its corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.corpus.models import ImportBatch, Solution
from apps.labeling.models.counted import SUBMITTED_STATES, counted_q, reason_expression
from apps.labeling.models.rounds import Round
from apps.labeling.models.tasks import Task
from apps.projects.models import Guideline

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from apps.labeling.models.labels import PreferenceLabel, StepLabel
    from apps.labeling.models.reservations import Reservation


class AssignmentQuerySet(models.QuerySet["Assignment"]):
    def held_by(self, labeler: User) -> Self:
        return self.filter(labeler=labeler, state=Assignment.State.LEASED)

    def with_problem(self) -> Self:
        """All that a labeler sees of a solution task except the steps, in one query."""
        return self.select_related("task__solution__problem", "reservation__by").only(
            "draft",
            "draft_version",
            "guideline_id",
            "is_quality_control",
            "labeler_id",
            "leased_at",
            "leased_until",
            "note",
            "reservation__by__email",
            "reservation__by__name",
            "reservation__note",
            "round_id",
            "state",
            "task__solution__problem__level",
            "task__solution__problem__reference_answer",
            "task__solution__problem__statement",
            "task__solution__problem__subject",
            "task__solution__separator",
        )

    def with_sides(self) -> Self:
        """As `with_problem`, for a comparison task."""
        return self.select_related("task__comparison__problem", "reservation__by").only(
            "draft",
            "draft_version",
            "guideline_id",
            "is_quality_control",
            "labeler_id",
            "leased_at",
            "leased_until",
            "note",
            "reservation__by__email",
            "reservation__by__name",
            "reservation__note",
            "round_id",
            "sides_swapped",
            "state",
            "task__comparison__left_id",
            "task__comparison__left_step_id",
            "task__comparison__problem__level",
            "task__comparison__problem__reference_answer",
            "task__comparison__problem__statement",
            "task__comparison__problem__subject",
            "task__comparison__right_id",
            "task__comparison__right_step_id",
            "task__comparison__shared_steps",
        )

    def end_leases(self, *, wait: bool = True) -> None:
        """Ends the leases without freeing their slots.

        A submission that is under way, also of a returned assignment, is waited for, or skipped with `wait=False`.
        """
        unsubmitted = self.filter(state__in=[Assignment.State.LEASED, Assignment.State.RETURNED]).order_by("pk")
        locked = unsubmitted.select_for_update(of=("self",), no_key=True, skip_locked=not wait)
        ids = list(locked.values_list("pk", flat=True))
        leases = Assignment.objects.filter(pk__in=ids, state=Assignment.State.LEASED)
        leases.update(state=Assignment.State.RELEASED)

    def exists_for(self, solution: OuterRef) -> Q:
        """Whether one of these labels the solution: as its task's, or as the one derived from its submission."""
        on_task = self.filter(task__solution=solution, derived_solution__isnull=True)
        return Exists(on_task) | Exists(self.filter(derived_solution=solution))

    def submitted(self) -> Self:
        """Those that were submitted, on time or late: progress, payment and history count them."""
        return self.filter(state__in=Assignment.SUBMITTED)

    def outside_training(self) -> Self:
        """Without those of training rounds, which no file takes: their labelers learn from gold."""
        return self.exclude(round__kind=Round.Kind.TRAINING)

    def counted(self) -> Self:
        """Those whose labels enter the consensus. Of several by one labeler this returns all: see `newest_q`."""
        return self.filter(counted_q())

    def with_reason(self) -> Self:
        """Adds `not_counted`: why an assignment does not count (a `NotCounted`), or an empty string."""
        return self.annotate(not_counted=reason_expression())


class Assignment(models.Model):
    """One labeler's work on one task: a lease first, then a submission."""

    class State(models.TextChoices):
        LEASED = "leased", "leased"
        SUBMITTED = "submitted", "submitted"
        EXTRA = "extra", "submitted after the slot was taken"
        RELEASED = "released", "released"
        EXPIRED = "expired", "lease expired"
        SKIPPED = "skipped", "skipped"
        RETURNED = "returned", "returned by a reviewer"
        RETAKEN = "retaken", "belongs to an earlier screening attempt"

    # Submitted on time or late.
    SUBMITTED = SUBMITTED_STATES

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
    reason = models.TextField(
        blank=True, default="", help_text="Why the labeler gave up or skipped it, or what is bad about the problem."
    )
    submitted_at = models.DateTimeField(null=True, blank=True)
    active_ms = models.BigIntegerField(null=True, blank=True)
    idle_ms = models.BigIntegerField(null=True, blank=True)
    guideline = models.ForeignKey(Guideline, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    digest = models.UUIDField(
        null=True, blank=True, help_text="Hash of the submission, by which a repeat is recognized."
    )
    is_quality_control = models.BooleanField(default=False)
    sides_swapped = models.BooleanField(db_default=False, help_text="The left side was shown on the right.")
    derived_solution = models.ForeignKey(
        Solution,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The solution that a branching assignment produced, where it left the task's own path.",
    )
    progress = models.SmallIntegerField(
        null=True, blank=True, help_text="How far the solution came before its error: -1 not at all, 0 some, 1 far."
    )
    note = models.TextField(blank=True, db_default="", help_text="Why a reviewer returned it.")
    reply = models.TextField(
        blank=True, default="", db_default="", help_text="What the labeler replies to the reviewer's note."
    )
    versions = models.PositiveSmallIntegerField(
        db_default=0, help_text="How often the first submission was replaced: by corrections, or by returning it."
    )
    corrected_by = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The reviewer whose correction counts in place of the labeler's ratings.",
    )
    extras = models.JSONField(null=True, blank=True)
    batch = models.ForeignKey(
        ImportBatch,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="The import that brought it.",
    )

    objects = AssignmentQuerySet.as_manager()

    if TYPE_CHECKING:
        step_labels: RelatedManager[StepLabel]
        past_submissions: RelatedManager[PastSubmission]
        preference: PreferenceLabel
        reservation: Reservation
        not_counted: str  # By `with_reason()`.

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["task", "labeler"],
                name="one_live_assignment_per_labeler",
                condition=Q(state__in=["leased", "submitted", "returned"]),
            ),
            models.CheckConstraint(
                condition=~Q(state="leased") | Q(leased_until__isnull=False), name="a_lease_has_an_end"
            ),
            models.CheckConstraint(
                condition=Q(progress__isnull=True) | Q(progress__in=[-1, 0, 1]), name="progress_in_range"
            ),
        ]
        indexes = [
            models.Index(fields=["leased_until"], name="lease_ends", condition=Q(state="leased")),
            models.Index(fields=["labeler", "round"], name="held_lease", condition=Q(state="leased")),
            models.Index(
                fields=["labeler", "round"], name="lapsed_with_draft", condition=Q(state="expired", draft_version__gt=0)
            ),
            models.Index(fields=["labeler", "round"], name="skipped", condition=Q(state="skipped")),
            models.Index(fields=["labeler", "round"], name="returned_assignment", condition=Q(state="returned")),
            models.Index(fields=["round", "id"], name="skipped_by_round", condition=Q(state="skipped")),
            models.Index(
                fields=["round", "id"], name="ended_early", condition=Q(finish_reason__in=["give_up", "bad_problem"])
            ),
            models.Index(fields=["round", "submitted_at"], name="submission_by_round"),
            models.Index(fields=["labeler", "submitted_at"], name="submission_by_labeler"),
            models.Index(fields=["batch", "id"], name="assignment_by_import", condition=Q(batch__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.labeler} on task {self.task_id}"

    @property
    def is_submitted(self) -> bool:
        return self.state in self.SUBMITTED


class PastSubmission(models.Model):
    """A submission that was later corrected or returned; number 1 is the labeler's first."""

    assignment = models.ForeignKey(
        Assignment, on_delete=models.CASCADE, related_name="past_submissions", db_index=False
    )
    number = models.PositiveSmallIntegerField()
    submission = models.JSONField(help_text="The submission as `Submission.to_dict` writes it.")
    submitted_at = models.DateTimeField()
    replaced_at = models.DateTimeField(default=timezone.now)
    note = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text="With which a reviewer returned it; empty where it was corrected.",
    )

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["assignment", "number"], name="one_past_submission_per_number"),
        ]

    def __str__(self) -> str:
        return f"version {self.number} of assignment {self.assignment_id}"


class CandidateSet(models.Model):
    """Candidates for the step after a prefix, sampled while a labeler works and reused for everyone who gets there."""

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="candidate_sets", db_index=False)
    prefix = models.UUIDField(help_text="Hash of the texts of the steps before the candidates.")
    position = models.PositiveIntegerField()
    texts = models.JSONField(help_text="The text of each candidate.")
    source = models.TextField(blank=True, default="", help_text="The model that wrote them.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "prefix"], name="one_candidate_set_per_prefix")]

    def __str__(self) -> str:
        return f"step {self.position} of task {self.task_id}"
