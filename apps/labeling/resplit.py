"""Parting a solution's steps anew: split, merge. What was said of the old steps stays on the old version.

Labels are of steps; steps that are cut otherwise are other steps. So the solution is copied with its text parted anew,
the rounds that are under way ask about the copy, and the old version is asked about no more.
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
from apps.labeling.models import Assignment, Round, Task

MOST_STEPS = 2000
_SAME = (
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
    """The newer version, whose steps are these. Raises DomainError unless they say what the old steps say.

    `is_own` marks the audit event: the actor had labeled the solution. Whether that is allowed, quality knows; reviewers
    come by its `parting`.
    """
    Problem.objects.select_for_update(no_key=True).get(pk=solution.problem_id)  # Nobody retires it meanwhile.
    held = (
        Solution.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project", "problem")
        .get(pk=solution.pk)
    )
    if RESPLIT_INTO in (held.extras or {}):
        raise Conflict("This is an older version: part the newer one.", code="older_version")
    parts = [text.replace("\r\n", "\n").strip() for text in texts]
    before = list(held.steps.filter(chosen=True).order_by("position").values_list("text", flat=True))
    _check(parts, before)
    newer = _copy(held, parts)
    held.extras = (held.extras or {}) | {RESPLIT_INTO: newer.pk}
    held.save(update_fields=["extras"])
    _move_tasks(held, newer)
    run_answer_change_hooks(held.problem)
    counts = {"steps": len(before), "into": newer.pk}
    record_event(
        actor=actor,
        verb="solution.resplit",
        target=str(held.pk),
        project=held.project.slug,
        before=counts,
        after={"steps": len(parts), "from": held.pk} | ({"self_reviewed": True} if is_own else {}),
    )
    return newer


def _check(parts: Sequence[str], before: Sequence[str]) -> None:
    if not 0 < len(parts) <= MOST_STEPS or not all(parts):
        raise DomainError("Every step says something.", fields={"steps": "an empty step"})
    if _letters(parts) != _letters(before):
        raise DomainError(
            "The text has to stay as it is: only where it is parted may change.", fields={"steps": "changed"}
        )
    if [_letters([one]) for one in parts] == [_letters([one]) for one in before]:
        raise DomainError("These are the steps that there are.", fields={"steps": "unchanged"})


def _letters(texts: Sequence[str]) -> str:
    """White space between steps is theirs who part them."""
    return "".join("".join(texts).split())


def _copy(old: Solution, parts: Sequence[str]) -> Solution:
    record = SolutionRecord(
        steps=[StepRecord(position=place, text=text) for place, text in enumerate(parts)], source=old.source
    )
    key = solution_digest(record)
    if Solution.objects.filter(problem=old.problem_id, digest=key).exists():
        raise Conflict("There is a solution with these steps already.", code="exists")
    extras = {name: value for name, value in (old.extras or {}).items() if name != "identity"}
    newer = Solution.objects.create(
        **{name: getattr(old, name) for name in _SAME},
        digest=key,
        step_count=len(parts),
        extras=extras | {"resplit_from": old.pk},
    )
    Step.objects.bulk_create(Step(solution=newer, position=step.position, text=step.text) for step in record.steps)
    return newer


def _move_tasks(old: Solution, newer: Solution) -> None:
    """Leases of the old version end, and rounds under way ask as many people about the newer one as about any other."""
    assignments = Assignment.objects.filter(task__solution=old)
    assignments.end_leases()
    locked = Task.objects.filter(solution=old).lock()
    # What slipped in before the lock. Assignments are locked before tasks everywhere, so nobody is waited for here.
    assignments.end_leases(wait=False)
    live = Task.objects.filter(
        pk__in=locked, round__status__in=[Round.Status.OPEN, Round.Status.PAUSED], round__origin=""
    )
    found: list[Any] = list(live.with_missing().select_related("round").order_by("pk"))
    Task.objects.filter(pk__in=locked).update(withdrawn=Task.Withdrawn.RESPLIT, open_slots=0)
    for task in found:
        if task.is_gold or task.withdrawn == Task.Withdrawn.RESPLIT:
            continue
        # While the problem is retired none are counted: that is done when it comes back.
        wanted, missing = (0, 0) if task.withdrawn else (task.round.redundancy, task.missing)
        Task.objects.create(
            round=task.round, solution=newer, priority=task.priority, open_slots=wanted, withdrawn=task.withdrawn
        )
        Round.objects.filter(pk=task.round_id).update(
            task_count=F("task_count") + 1, slot_count=F("slot_count") - missing + wanted
        )
