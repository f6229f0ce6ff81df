"""The payload of a task: what a labeler gets to work on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from apps.core.db.prepared import Prepared
from apps.corpus.models import Comparison, Problem, Step
from apps.labeling.assignments.context import candidate_tree
from apps.labeling.assignments.drafts import draft_of
from apps.labeling.models import Assignment, Protocol, Reservation
from apps.labeling.opaque_ids import opaque_id
from apps.labeling.protocols import PROTOCOLS, options_of
from apps.labeling.protocols.candidate_tree import is_final, own_number

TaskPayload = dict[str, Any]

_STEPS = Prepared(
    lambda solution: Step.objects.filter(solution_id=solution, chosen=True).values_list(
        "position", "candidate", "text", "origin"
    ),
    "solution",
)


def task_payload(assignment: Assignment) -> TaskPayload:
    """The task as the labeler may see it: never others' labels, the solution's grade or its source."""
    if PROTOCOLS[assignment.round.protocol].of == "comparison":
        comparison = assignment.task.comparison
        assert comparison is not None
        return _common(assignment, comparison.problem) | _comparison(assignment, comparison)
    solution = assignment.task.solution
    assert solution is not None
    common = _common(assignment, solution.problem)
    if assignment.round.protocol == Protocol.BRANCHING:
        return common | {"steps": branching_positions(assignment)}
    return common | {"steps": _positions(_STEPS.rows(solution=solution.pk))}


def _common(assignment: Assignment, problem: Problem) -> TaskPayload:
    """The fields that tasks of all protocols have."""
    round_ = assignment.round
    shown_problem: TaskPayload = {
        "id": opaque_id("problem", problem.pk),
        "statement": problem.statement,
        "subject": problem.subject,
        "level": problem.level,
    }
    if round_.show_reference:
        shown_problem["reference_answer"] = problem.reference_answer
    return {
        "id": assignment.pk,
        "leased_until": assignment.leased_until,
        "task": opaque_id("task", assignment.task_id),
        "round": round_.number,
        "protocol": round_.protocol,
        "problem": shown_problem,
        "note": assignment.note,
        "assigned": _assigned(assignment),
        "guideline": guideline_key(assignment.guideline_id),
        "draft": draft_of(assignment),
    }


def _assigned(assignment: Assignment) -> TaskPayload | None:
    """By whom, and with which note, the task was assigned to the labeler; None if the queue served it."""
    reservation: Reservation | None = getattr(assignment, "reservation", None)
    if reservation is None:
        return None
    return {"by": str(reservation.by) if reservation.by else "a manager", "note": reservation.note}


def guideline_key(guideline_id: int | None) -> int | None:
    """By which the page knows whether the guidelines that it shows are those of the task."""
    return opaque_id("guideline", guideline_id) if guideline_id is not None else None


def _positions(rows: Iterable[tuple[int, int, str, str]]) -> list[TaskPayload]:
    return [
        {
            "position": position,
            "candidates": [{"candidate": candidate, "text": text, "origin": origin}],
        }
        for position, candidate, text, origin in rows
    ]


def _comparison(assignment: Assignment, comparison: Comparison) -> TaskPayload:
    """The steps that both sides begin with, once, and the sides in the order in which they are shown."""
    shared = comparison.shared_steps
    prefix = Step.objects.filter(solution=comparison.left_id, chosen=True, position__lt=shared)
    sides = [
        _side(comparison.left_id, comparison.left_step_id, shared),
        _side(comparison.right_id, comparison.right_step_id, shared),
    ]
    left, right = reversed(sides) if assignment.sides_swapped else sides
    options = msgspec.to_builtins(options_of(assignment.round.protocol, assignment.round.options))
    return {
        "steps": _positions(prefix.values_list("position", "candidate", "text", "origin")),
        "comparison": {
            "of": "solutions" if comparison.left_step_id is None else "steps",
            "ties": options["ties"],
            "rationale": options["rationale"],
            "left": left,
            "right": right,
        },
    }


def _side(solution_id: int, step_id: int | None, shared: int) -> TaskPayload:
    """One step where steps are compared, else the solution's steps after the shared ones."""
    steps = Step.objects.filter(solution=solution_id, chosen=True, position__gte=shared)
    if step_id is not None:
        steps = Step.objects.filter(pk=step_id)
    rows = steps.order_by("position").values_list("position", "text")
    return {"steps": [{"position": position, "text": text} for position, text in rows]}


def branching_positions(assignment: Assignment) -> list[TaskPayload]:
    """The positions that the draft has reached, with their existing candidates. No model is called for more."""
    tree, prefix = candidate_tree(assignment.task), list[str]()
    choices = {step["position"]: step for step in draft_of(assignment)["steps"] if step.get("chosen")}
    positions: list[TaskPayload] = []
    while True:
        existing, ended = tree.after(prefix), bool(prefix) and is_final(prefix[-1])
        choice = choices.get(len(prefix)) or {}
        if existing is None and not ended and not choice.get("text"):
            break
        candidates, source = existing or ([], "")
        positions.append(
            {
                "position": len(prefix),
                "candidates": [
                    {
                        "candidate": candidate.candidate,
                        "text": candidate.text,
                        "origin": candidate.origin,
                        "is_final": candidate.is_final,
                    }
                    for candidate in candidates
                ],
                "source": source,
                "own": own_number(candidates),
                "ended": ended,
                "problem": "",
            }
        )
        number = choice.get("candidate")
        text = choice.get("text") or next(
            (candidate.text for candidate in candidates if candidate.candidate == number), None
        )
        if not text:
            break
        prefix.append(text)
    return positions
