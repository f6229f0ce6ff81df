"""Retiring a problem, which withdraws its tasks and ends their leases, and bringing it back.

A withdrawn task has no open slots and gets none. A task that is being worked on can still be submitted: the submission
is kept as extra. When a task comes back, its open slots follow from what was submitted to it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.corpus.models import Problem
from apps.corpus.problem_edits import run_answer_change_hooks
from apps.labeling.models import Assignment, AssignmentQuerySet, Reservation, Round, Task, TaskQuerySet
from apps.labeling.rounds.tasks import GOLD_SLOTS


@dataclass(frozen=True, slots=True)
class Consequences:
    """What depends on a problem: what retiring it withdraws, and what editing it affects."""

    solutions: int
    submissions: int
    open_tasks: int
    leases: int


def consequences_of(problem: Problem) -> Consequences:
    assignments = Assignment.objects.filter(task__in=_tasks_about(problem))
    live = _own_tasks(problem).filter(round__status__in=[Round.Status.OPEN, Round.Status.PAUSED], is_gold=False)
    return Consequences(
        solutions=problem.solutions.count(),
        submissions=assignments.filter(state__in=Assignment.SUBMITTED).count(),
        open_tasks=live.filter(open_slots__gt=0).count(),
        leases=assignments.filter(state=Assignment.State.LEASED).count(),
    )


def _tasks_about(problem: Problem) -> QuerySet[Task, Any]:
    """Ids of the tasks about one of the problem's solutions, or about a comparison of two.

    A union reads an index for each of the two; with an OR over both tables PostgreSQL reads all tasks.
    """
    tasks = Task.objects.order_by().values("pk")
    return tasks.filter(solution__problem=problem).union(tasks.filter(comparison__problem=problem), all=True)


def _own_tasks(problem: Problem) -> TaskQuerySet:
    """The problem's tasks in rounds that were labeled here, not imported."""
    return Task.objects.filter(pk__in=_tasks_about(problem), round__origin="")


def _own_assignments(problem: Problem) -> AssignmentQuerySet:
    return Assignment.objects.filter(task__in=_tasks_about(problem), task__round__origin="")


def _current_tasks(problem: Problem) -> TaskQuerySet:
    """The tasks that are withdrawn and served with the problem: not those of older versions of its solutions."""
    return _own_tasks(problem).exclude(withdrawn=Task.Withdrawn.RESPLIT)


def retire_problem(*, problem: Problem, reason: str, actor: User) -> Problem:
    """Take a problem out of labeling, exports and estimation. A second call changes nothing.

    Raises DomainError without a reason.
    """
    if not reason.strip():
        raise DomainError("Give a reason for retiring the problem.", fields={"reason": "required"})
    with transaction.atomic():
        locked = Problem.objects.select_for_update(no_key=True).select_related("project").get(pk=problem.pk)
        if locked.retired_at is not None:
            return locked
        locked.retired_at, locked.retired_reason = timezone.now(), reason.strip()
        locked.save(update_fields=["retired_at", "retired_reason"])
        _own_assignments(locked).end_leases()
        tasks = _current_tasks(locked).lock()
        Reservation.objects.waiting().filter(task__in=tasks).delete()
        Task.objects.filter(pk__in=tasks).update(withdrawn=Task.Withdrawn.RETIRED, open_slots=0)
        _change_slot_counts(locked, sign=-1)
        record_event(
            actor=actor,
            verb="problem.retired",
            target=str(locked.pk),
            project=locked.project.slug,
            after=reason.strip(),
        )
        run_answer_change_hooks(locked)
    # Assignments are locked before tasks everywhere, so that a lease may have begun between the two locks above. From
    # now on none can.
    with transaction.atomic():
        if Problem.objects.select_for_update(no_key=True).get(pk=locked.pk).retired_at is not None:
            _own_assignments(locked).end_leases()
    return locked


def _change_slot_counts(problem: Problem, *, sign: int) -> None:
    """Add to each round's slot count, or subtract from it, the submissions that the problem's tasks still need."""
    missing: Counter[int] = Counter()
    tasks: Any = _current_tasks(problem).filter(is_gold=False).with_missing()
    for round_id, count in tasks.values_list("round_id", "missing"):
        missing[round_id] += count
    for round_id, count in sorted(missing.items()):
        Round.objects.filter(pk=round_id).update(slot_count=F("slot_count") + sign * count)


# An assignment that a reviewer has returned holds its slot, as a lease does.
_SERVE_AGAIN = """
UPDATE labeling_task t SET withdrawn = '', open_slots = greatest(0,
    CASE WHEN t.is_gold THEN %(gold)s ELSE r.redundancy + t.extra_slots END - (
        SELECT count(*) FROM labeling_assignment a
        WHERE a.task_id = t.id AND a.state IN ('leased', 'submitted', 'returned')
    ))
FROM labeling_round r WHERE r.id = t.round_id AND t.id = ANY(%(tasks)s)
"""


@transaction.atomic
def bring_back(*, problem: Problem, actor: User) -> Problem:
    """Undo the retirement: the problem's tasks are served again as far as they still need submissions."""
    locked = Problem.objects.select_for_update(no_key=True).select_related("project").get(pk=problem.pk)
    if locked.retired_at is None:
        return locked
    locked.retired_at, reason, locked.retired_reason = None, locked.retired_reason, ""
    locked.save(update_fields=["retired_at", "retired_reason"])
    # A task released at the same time frees its slot before this lock or after it, so that the slot is counted once.
    tasks = _current_tasks(locked).lock()
    with connection.cursor() as cursor:
        cursor.execute(_SERVE_AGAIN, {"gold": GOLD_SLOTS, "tasks": tasks})
    _change_slot_counts(locked, sign=1)
    record_event(
        actor=actor, verb="problem.brought_back", target=str(locked.pk), project=locked.project.slug, before=reason
    )
    run_answer_change_hooks(locked)
    return locked
