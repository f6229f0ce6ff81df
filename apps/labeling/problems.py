"""Retiring a problem: its tasks are served no more and its leases end; and bringing it back.

A task of a retired problem is withdrawn: it has no open slots, and gets none. What somebody has in hand they may still
submit: it is kept as extra. Which slots a task has when it comes back follows from what was submitted to it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.corpus.models import Problem
from apps.corpus.problem_edits import run_answer_change_hooks
from apps.labeling.models import Assignment, AssignmentQuerySet, Round, Task, TaskQuerySet
from apps.labeling.rounds.services import GOLD_SLOTS


@dataclass(frozen=True, slots=True)
class Consequences:
    """What hangs on a problem: what retiring it takes away, and fixing it changes."""

    solutions: int
    submissions: int
    open_tasks: int
    leases: int


def consequences_of(problem: Problem) -> Consequences:
    tasks, assignments = _tasks_of(problem), _turns_of(problem)
    live = tasks.filter(round__status__in=[Round.Status.OPEN, Round.Status.PAUSED], is_gold=False)
    return Consequences(
        solutions=problem.solutions.count(),
        submissions=assignments.filter(state__in=Assignment.SUBMITTED).count(),
        open_tasks=live.filter(open_slots__gt=0).count(),
        leases=assignments.filter(state=Assignment.State.LEASED).count(),
    )


def _of(problem: Problem, prefix: str = "") -> Q:
    """Tasks about one of the problem's solutions, or about a comparison of two."""
    return Q(**{f"{prefix}solution__problem": problem}) | Q(**{f"{prefix}comparison__problem": problem})


def _tasks_of(problem: Problem) -> TaskQuerySet:
    return Task.objects.filter(_of(problem), round__origin="")


def _turns_of(problem: Problem) -> AssignmentQuerySet:
    return Assignment.objects.filter(_of(problem, "task__"))


def _turns_here(problem: Problem) -> AssignmentQuerySet:
    return _turns_of(problem).filter(task__round__origin="")


def retire_problem(*, problem: Problem, reason: str, actor: User) -> Problem:
    """Take a problem out of work, exports and estimation. Doing it twice is once; a reason is asked for."""
    if not reason.strip():
        raise DomainError("Say why the problem is retired.", fields={"reason": "say why"})
    with transaction.atomic():
        held = Problem.objects.select_for_update(no_key=True).select_related("project").get(pk=problem.pk)
        if held.retired_at is not None:
            return held
        held.retired_at, held.retired_reason = timezone.now(), reason.strip()
        held.save(update_fields=["retired_at", "retired_reason"])
        _turns_here(held).end_leases()
        tasks = _ours(held).lock()
        Task.objects.filter(pk__in=tasks).update(withdrawn=Task.Withdrawn.RETIRED, open_slots=0)
        _forget_slots(held)
        record_event(
            actor=actor, verb="problem.retired", target=str(held.pk), project=held.project.slug, after=reason.strip()
        )
        run_answer_change_hooks(held)
    # A lease may have slipped in between the assignments and the tasks, which are locked in this order everywhere. From
    # now on none can.
    with transaction.atomic():
        if Problem.objects.select_for_update(no_key=True).get(pk=held.pk).retired_at is not None:
            _turns_here(held).end_leases()
    return held


def _ours(problem: Problem) -> TaskQuerySet:
    """The tasks that go and come with the problem: not those of older versions of its solutions."""
    return _tasks_of(problem).exclude(withdrawn=Task.Withdrawn.RESPLIT)


def _missing(problem: Problem) -> dict[int, int]:
    """By round, how many submissions the problem's ordinary tasks still need."""
    missing: Counter[int] = Counter()
    tasks: Any = _ours(problem).filter(is_gold=False).with_missing()
    for round_id, count in tasks.values_list("round_id", "missing"):
        missing[round_id] += count
    return missing


def _forget_slots(problem: Problem) -> None:
    """The rounds need so many submissions less: they can be finished without the problem."""
    for round_id, count in sorted(_missing(problem).items()):
        Round.objects.filter(pk=round_id).update(slot_count=F("slot_count") - count)


# What a reviewer has returned holds its slot, as a lease does.
_REOPEN = """
UPDATE labeling_task t SET withdrawn = '', open_slots = greatest(0,
    CASE WHEN t.is_gold THEN %(gold)s ELSE r.redundancy + t.extra_slots END - (
        SELECT count(*) FROM labeling_assignment a
        WHERE a.task_id = t.id AND a.state IN ('leased', 'submitted', 'returned')
    ))
FROM labeling_round r WHERE r.id = t.round_id AND t.id = ANY(%(tasks)s)
"""


@transaction.atomic
def bring_back(*, problem: Problem, actor: User) -> Problem:
    """The other way round: its tasks are served again as far as they still need people."""
    held = Problem.objects.select_for_update(no_key=True).select_related("project").get(pk=problem.pk)
    if held.retired_at is None:
        return held
    held.retired_at, reason, held.retired_reason = None, held.retired_reason, ""
    held.save(update_fields=["retired_at", "retired_reason"])
    # Who gives a task back meanwhile has freed its slot before the lock, or frees it behind: it is counted once.
    tasks = _ours(held).lock()
    with connection.cursor() as cursor:
        cursor.execute(_REOPEN, {"gold": GOLD_SLOTS, "tasks": tasks})
    for round_id, count in sorted(_missing(held).items()):
        Round.objects.filter(pk=round_id).update(slot_count=F("slot_count") + count)
    record_event(
        actor=actor, verb="problem.brought_back", target=str(held.pk), project=held.project.slug, before=reason
    )
    run_answer_change_hooks(held)
    return held
