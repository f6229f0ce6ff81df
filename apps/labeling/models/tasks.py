"""The tasks of a round, and each labeler's progress through them."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Case, Count, F, Q, When
from django.db.models.functions import Greatest

from apps.accounts.models import User
from apps.corpus.models import Comparison, Problem, Solution
from apps.labeling.models.rounds import Round


class TaskQuerySet(models.QuerySet["Task"]):
    def add_slots(self, count: int) -> int:
        """Opens `count` more slots in each task; a withdrawn task keeps none. Returns the number of tasks."""
        return self.update(open_slots=Case(When(withdrawn="", then=F("open_slots") + count), default=0))

    def with_missing(self) -> Self:
        """Adds `missing`: how many submissions the task still needs. Leases do not count."""
        submitted = Count("assignments", filter=Q(assignments__state="submitted"))
        needed = F("round__redundancy") + F("extra_slots") - submitted
        return self.annotate(missing=Greatest(needed, 0, output_field=models.IntegerField()))

    def lock(self) -> list[int]:
        """Locks the tasks in the order of their ids and returns the ids. Rows that refer to them stay writable."""
        return list(self.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


class Task(models.Model):
    """One unit of work in a round: a solution or a comparison. `open_slots` counts the submissions still wanted."""

    class Withdrawn(models.TextChoices):
        RETIRED = "retired", "the problem is retired"
        RESPLIT = "resplit", "the solution's steps were split again"

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="tasks", db_index=False)
    solution = models.ForeignKey(Solution, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks")
    comparison = models.ForeignKey(Comparison, null=True, blank=True, on_delete=models.CASCADE, related_name="tasks")
    priority = models.IntegerField(default=0, help_text="Higher is served first.")
    is_gold = models.BooleanField(default=False)
    open_slots = models.IntegerField()
    extra_slots = models.PositiveSmallIntegerField(db_default=0, help_text="Opened because labelers disagreed.")
    withdrawn = models.CharField(
        max_length=7,
        blank=True,
        default="",
        db_default="",
        choices=Withdrawn,
        help_text="Why the task is no longer served.",
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
                condition=Q(withdrawn="") | Q(open_slots=0), name="a_withdrawn_task_has_no_open_slots"
            ),
        ]
        indexes = [
            # The queue reads this index in order, starting from the labeler's cursor.
            models.Index(
                F("round"), F("priority") * -1, F("id"), name="task_queue", condition=Q(open_slots__gt=0, is_gold=False)
            ),
            models.Index(fields=["round", "id"], name="gold_queue", condition=Q(is_gold=True)),
        ]

    def __str__(self) -> str:
        return f"task {self.pk} of {self.round}"

    @property
    def problem(self) -> Problem:
        """The problem of its solution or comparison."""
        subject = self.solution or self.comparison
        assert subject is not None
        return subject.problem

    @property
    def withdrawal(self) -> str:
        """A clause for messages that says why the task is no longer served; empty where it is served."""
        return f"This task is no longer served: {self.get_withdrawn_display()}" if self.withdrawn else ""


class RoundProgress(models.Model):
    """A labeler's progress in a round: their position in the queue, and how much they submitted.

    The cursor keeps the cost of a claim flat: a claim does not read the tasks before it again. The counters are
    here and not in the round, because every submission would wait for the lock of one round row.
    """

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="progress", db_index=False)
    labeler = models.ForeignKey(User, on_delete=models.CASCADE, related_name="round_progress")
    cursor_rank = models.IntegerField(null=True, blank=True, help_text="Minus the priority of the last task claimed.")
    cursor_task = models.BigIntegerField(null=True, blank=True)
    submitted = models.PositiveIntegerField(default=0)
    gold = models.PositiveIntegerField(db_default=0, help_text="Submissions of gold tasks, which fill no slot.")
    late = models.PositiveIntegerField(db_default=0, help_text="Submissions after the slot was taken, which fill none.")
    attempt = models.PositiveSmallIntegerField(db_default=1, help_text="In a screening: the number of this attempt.")
    score = models.FloatField(null=True, blank=True, help_text="In a screening: agreement with gold, 0 to 1.")
    passed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "progress in rounds"
        constraints = [models.UniqueConstraint(fields=["round", "labeler"], name="one_progress_per_round_and_labeler")]

    def __str__(self) -> str:
        return f"{self.labeler} in {self.round}"

    @classmethod
    def not_begun(cls, round_: Round) -> RoundProgress:
        """What stands for the missing row of a labeler who has not begun; never saved."""
        return cls(round=round_, attempt=1, gold=0, late=0)

    @property
    def own_submissions(self) -> int:
        """All submissions. Gold counts like any other work: otherwise the number would show which tasks are gold."""
        return self.submitted + self.gold + self.late
