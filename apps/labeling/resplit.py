"""Splitting a solution's steps again: a step is split, or steps are merged.

Labels belong to steps, and steps with other boundaries are other steps. So the solution is copied with the new steps,
open rounds serve the copy, and the older version keeps its labels and is no longer served.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.corpus.identity import solution_digest
from apps.corpus.models import RESPLIT_INTO, Problem, Solution, Step
from apps.corpus.problem_edits import run_answer_change_hooks
from apps.corpus.records import SolutionRecord, StepRecord
from apps.labeling.models import Assignment, Reservation, Round, Task

MOST_STEPS = 2000
_COPIED = (
    "project",
    "problem",
    "source",
    "final_answer",
    "is_correct",
    "claimed_correct",
    "grade",
    "graded_by",
    "verifier_score",
    "separator",
)


@transaction.atomic
def resplit_steps(*, solution: Solution, texts: Sequence[str], actor: User, is_own: bool = False) -> Solution:
    """Create and return a newer version of the solution with these steps.

    Raises DomainError unless the steps contain the text of the old ones, Conflict for an older version or if a solution
    with these steps exists. `is_own` marks the audit event of an actor who had labeled the solution; whether that is
    allowed is decided by `quality.review.resplit`.
    """
    Problem.objects.select_for_update(no_key=True).get(pk=solution.problem_id)  # It cannot be retired meanwhile.
    older = (
        Solution.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project", "problem")
        .get(pk=solution.pk)
    )
    if RESPLIT_INTO in (older.extras or {}):
        raise Conflict("This is an older version: split the newer one.", code="older_version")
    new_texts = [text.replace("\r\n", "\n").strip() for text in texts]
    old_texts = list(older.steps.filter(chosen=True).order_by("position").values_list("text", flat=True))
    _check_texts(new_texts, old_texts)
    newer = create_version(older, new_texts)
    older.extras = (older.extras or {}) | {RESPLIT_INTO: newer.pk}
    older.save(update_fields=["extras"])
    move_tasks(older, newer)
    run_answer_change_hooks(older.problem)
    record_event(
        actor=actor,
        verb="solution.resplit",
        target=str(older.pk),
        project=older.project.slug,
        before={"steps": len(old_texts), "into": newer.pk},
        after={"steps": len(new_texts), "from": older.pk} | ({"self_reviewed": True} if is_own else {}),
    )
    return newer


def _check_texts(new_texts: Sequence[str], old_texts: Sequence[str]) -> None:
    if not 0 < len(new_texts) <= MOST_STEPS or not all(new_texts):
        raise DomainError(
            f"A solution must have 1 to {MOST_STEPS} steps, none of them empty.", fields={"steps": "an empty step"}
        )
    if _without_space("".join(new_texts)) != _without_space("".join(old_texts)):
        raise DomainError(
            "The text must stay the same. Only the boundaries of the steps may change.", fields={"steps": "changed"}
        )
    if [_without_space(text) for text in new_texts] == [_without_space(text) for text in old_texts]:
        raise DomainError("The steps are unchanged.", fields={"steps": "unchanged"})


def _without_space(text: str) -> str:
    """White space may change where steps are split."""
    return "".join(text.split())


def create_version(older: Solution, texts: Sequence[str]) -> Solution:
    record = SolutionRecord(
        steps=[StepRecord(position=position, text=text) for position, text in enumerate(texts)], source=older.source
    )
    digest = solution_digest(record)
    if Solution.objects.filter(problem=older.problem_id, digest=digest).exists():
        raise Conflict("A solution with these steps exists already.", code="exists")
    extras = {name: value for name, value in (older.extras or {}).items() if name != "identity"}
    newer = Solution.objects.create(
        **{name: getattr(older, name) for name in _COPIED},
        digest=digest,
        step_count=len(texts),
        extras=extras | {"resplit_from": older.pk},
    )
    Step.objects.bulk_create(Step(solution=newer, position=step.position, text=step.text) for step in record.steps)
    return newer


def move_tasks(older: Solution, newer: Solution) -> None:
    """Withdraw the tasks of the older version, and create tasks for the newer one in open and paused rounds."""
    assignments = Assignment.objects.filter(task__solution=older)
    assignments.end_leases()
    locked = Task.objects.filter(solution=older).lock()
    # Leases may have begun between the two locks. Assignments are locked before tasks everywhere, so do not wait here.
    assignments.end_leases(wait=False)
    live = Task.objects.filter(
        pk__in=locked, round__status__in=[Round.Status.OPEN, Round.Status.PAUSED], round__origin=""
    )
    tasks: list[Any] = list(live.with_missing().select_related("round").order_by("pk"))
    Reservation.objects.waiting().filter(task__in=locked).delete()
    Task.objects.filter(pk__in=locked).update(withdrawn=Task.Withdrawn.RESPLIT, open_slots=0)
    for task in tasks:
        if task.is_gold or task.withdrawn == Task.Withdrawn.RESPLIT:
            continue
        # The slots of a retired problem are not counted before it comes back.
        slots, missing = (0, 0) if task.withdrawn else (task.round.redundancy, task.missing)
        Task.objects.create(
            round=task.round, solution=newer, priority=task.priority, open_slots=slots, withdrawn=task.withdrawn
        )
        Round.objects.filter(pk=task.round_id).update(
            task_count=F("task_count") + 1, slot_count=F("slot_count") - missing + slots
        )
