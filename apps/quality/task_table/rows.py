"""The rows of the task table: each task with who has it, who submitted it, and how much of it is done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F
from django.db.models.functions import Coalesce, Left
from django.utils import timezone

from apps.labeling.models import Assignment, Reservation, Task, TaskQuerySet
from apps.quality.disputes.kinds import MODEL_DISPUTES
from apps.quality.models import Consensus, FastMark, OpenDispute
from apps.quality.review.reports import report_of
from apps.quality.trust.blind_rounds import hidden_solutions

EXCERPT = 200
CHUNK = 500


@dataclass(frozen=True, slots=True)
class TaskPart:
    """What one labeler has to do with a task. `state` is one of `filters.STATES`, or `extra` for a late submission."""

    state: str
    labeler: int
    at: datetime | None = None
    until: datetime | None = None
    assignment: int | None = None
    is_fast: bool = False
    is_reported: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """`state` is that of the task as a whole; `done` of `needed` submissions are there.

    Gold is not told from other tasks: it has no slots of its own, so it is counted as the others are.
    """

    task: Task
    excerpt: str
    problem: int
    parts: Sequence[TaskPart] = ()
    consensus: Consensus | None = None
    disputes: Sequence[str] = field(default_factory=tuple)

    @property
    def done(self) -> int:
        return sum(part.state == "submitted" for part in self.parts)

    @property
    def needed(self) -> int:
        return max(self.task.round.redundancy + self.task.extra_slots, self.done)

    @property
    def state(self) -> str:
        if self.task.withdrawn:
            return "withdrawn"
        states = {part.state for part in self.parts}
        for state in ("returned", "in_work", "assigned"):
            if state in states:
                return state
        return "complete" if self.done >= self.needed else "waiting"

    @property
    def is_reported(self) -> bool:
        return any(part.is_reported for part in self.parts)

    @property
    def is_fast(self) -> bool:
        return any(part.is_fast for part in self.parts)

    @property
    def changed_at(self) -> datetime | None:
        times = [part.at for part in self.parts if part.at is not None]
        return max(times, default=self.task.round.opened_at)


def with_excerpts(tasks: TaskQuerySet) -> TaskQuerySet:
    """With round, problem and the beginning of its statement, as `rows_of` needs them."""
    statement = Coalesce("solution__problem__statement", "comparison__problem__statement")
    problem = Coalesce("solution__problem_id", "comparison__problem_id")
    return tasks.select_related("round").annotate(excerpt=Left(statement, EXCERPT), of_problem=problem)


def rows_of(tasks: Sequence[Task]) -> list[TaskRow]:
    """In five queries, however many tasks; they come from `with_excerpts`."""
    ids = [task.pk for task in tasks]
    solutions = [task.solution_id for task in tasks if task.solution_id is not None]
    parts = _parts(ids)
    consensus = Consensus.objects.in_bulk(solutions)
    disputes = _disputes(solutions)
    return [
        TaskRow(
            task,
            task.excerpt,  # type: ignore[attr-defined]
            task.of_problem,  # type: ignore[attr-defined]
            parts.get(task.pk, ()),
            consensus.get(task.solution_id or 0),
            tuple(sorted(disputes.get(task.solution_id or 0, ()))),
        )
        for task in tasks
    ]


def _disputes(solutions: Sequence[int]) -> dict[int, list[str]]:
    """By solution. A blind round hides those that tell what a model says; one more query where there are any."""
    rows = list(OpenDispute.objects.filter(solution__in=solutions).values_list("solution", "kind"))
    hidden = hidden_solutions({solution for solution, kind in rows if kind in MODEL_DISPUTES})
    disputes: defaultdict[int, list[str]] = defaultdict(list)
    for solution, kind in rows:
        if solution not in hidden or kind not in MODEL_DISPUTES:
            disputes[solution].append(kind)
    return disputes


def _parts(task_ids: Sequence[int]) -> dict[int, list[TaskPart]]:
    parts: defaultdict[int, list[TaskPart]] = defaultdict(list)
    now = timezone.now()
    shown = Assignment.objects.filter(task__in=task_ids).exclude(state__in=_NOT_SHOWN).order_by("pk")
    assignments = list(
        shown.select_related("dismissal", "task__solution__problem", "task__comparison__problem").only(
            "state",
            "labeler_id",
            "leased_at",
            "leased_until",
            "submitted_at",
            "finish_reason",
            "reason",
            "note",
            "versions",
            "task_id",
            "dismissal__versions",
            "task__solution__problem__retired_at",
            "task__comparison__problem__retired_at",
        )
    )
    fast = set(FastMark.objects.filter(assignment__in=assignments).values_list("pk", flat=True))
    for assignment in assignments:
        part = _part(assignment, now, is_fast=assignment.pk in fast)
        if part is not None:
            parts[assignment.task_id].append(part)
    for waiting in Reservation.objects.waiting().filter(task__in=task_ids).order_by("pk"):
        parts[waiting.task_id].append(TaskPart("assigned", waiting.labeler_id, waiting.at, note=waiting.note))
    return parts


_NOT_SHOWN = (Assignment.State.RELEASED, Assignment.State.EXPIRED, Assignment.State.RETAKEN)
_STATE_OF = {
    Assignment.State.LEASED: "in_work",
    Assignment.State.SUBMITTED: "submitted",
    Assignment.State.EXTRA: "extra",
    Assignment.State.SKIPPED: "skipped",
    Assignment.State.RETURNED: "returned",
}


def _part(assignment: Assignment, now: datetime, *, is_fast: bool) -> TaskPart | None:
    state = _STATE_OF[Assignment.State(assignment.state)]
    is_leased = assignment.state == Assignment.State.LEASED
    if is_leased and assignment.leased_until is not None and assignment.leased_until <= now:
        return None
    report = report_of(assignment)
    is_skipped = assignment.state == Assignment.State.SKIPPED
    return TaskPart(
        state,
        assignment.labeler_id,
        # The time of a skip is stored as the end of the lease.
        assignment.leased_until if is_skipped else assignment.submitted_at or assignment.leased_at,
        assignment.leased_until if is_leased else None,
        assignment.pk,
        is_fast,
        report is not None and report.is_open,
        assignment.reason if is_skipped else assignment.note if state == "returned" else "",
    )


def streamed_rows(tasks: TaskQuerySet) -> Iterator[list[TaskRow]]:
    """All that match, in chunks by key, the newest first: memory stays flat however many there are."""
    last: int | None = None
    while True:
        chunk = tasks.order_by("-pk") if last is None else tasks.filter(pk__lt=last).order_by("-pk")
        shown = list(with_excerpts(chunk)[:CHUNK])
        if not shown:
            return
        yield rows_of(shown)
        last = shown[-1].pk


def submissions_to_return(tasks: TaskQuerySet, labeler: int | None = None) -> list[Assignment]:
    """The submissions of these tasks that fill a slot, which a reviewer can return: those of one labeler, or all."""
    submitted = Assignment.objects.filter(task__in=tasks.order_by().values("pk"), state=Assignment.State.SUBMITTED)
    if labeler is not None:
        submitted = submitted.filter(labeler=labeler)
    related = ("round__project", "labeler", "task__solution__problem")
    return list(submitted.filter(round__origin="").select_related(*related).order_by(F("task"), "pk"))
