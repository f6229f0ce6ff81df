"""What a labeler is given to work on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from apps.core.db.prepared import Prepared
from apps.corpus.models import Comparison, Problem, Step
from apps.labeling.assignments.submit import candidate_tree
from apps.labeling.models import Assignment, Protocol
from apps.labeling.opaque_ids import opaque_id
from apps.labeling.protocols import PROTOCOLS, options_of
from apps.labeling.protocols.candidate_tree import Candidate, is_final, own_number

TaskPayload = dict[str, Any]

_STEPS = Prepared(
    lambda solution: Step.objects.filter(solution_id=solution, chosen=True).values_list(
        "position", "candidate", "text", "origin"
    ),
    "solution",
)


def task_payload(assignment: Assignment) -> TaskPayload:
    """The task as the labeler may see it: never the labels of others, the verdict or the source."""
    if PROTOCOLS[assignment.round.protocol].of == "comparison":
        comparison = assignment.task.comparison
        assert comparison is not None
        return _frame(assignment, comparison.problem) | _compared(assignment, comparison)
    solution = assignment.task.solution
    assert solution is not None
    framed = _frame(assignment, solution.problem)
    if assignment.round.protocol == Protocol.BRANCHING:
        return framed | {"steps": _walked(assignment)}
    return framed | {"steps": _positions(_STEPS.rows(solution=solution.pk))}


def _frame(assignment: Assignment, problem: Problem) -> TaskPayload:
    """What every task has, whatever is asked."""
    round_ = assignment.round
    asked: TaskPayload = {
        "id": opaque_id("problem", problem.pk),
        "statement": problem.statement,
        "subject": problem.subject,
        "level": problem.level,
    }
    if round_.show_reference:
        asked["reference_answer"] = problem.reference_answer
    return {
        "id": assignment.pk,
        "leased_until": assignment.leased_until,
        "task": opaque_id("task", assignment.task_id),
        "round": round_.number,
        "protocol": round_.protocol,
        "problem": asked,
        "note": assignment.note,
        "draft": draft_of(assignment),
    }


def _positions(rows: Iterable[tuple[int, int, str, str]]) -> list[TaskPayload]:
    return [
        {
            "position": position,
            "candidates": [{"candidate": candidate, "text": text, "origin": origin}],
        }
        for position, candidate, text, origin in rows
    ]


def _compared(assignment: Assignment, comparison: Comparison) -> TaskPayload:
    """The steps that both sides begin with, once, and the sides as this turn shows them."""
    shared = comparison.shared_steps
    before = Step.objects.filter(solution=comparison.left_id, chosen=True, position__lt=shared)
    sides = [
        _side(comparison.left_id, comparison.left_step_id, shared),
        _side(comparison.right_id, comparison.right_step_id, shared),
    ]
    left, right = reversed(sides) if assignment.sides_swapped else sides
    options = msgspec.to_builtins(options_of(assignment.round.protocol, assignment.round.options))
    return {
        "steps": _positions(before.values_list("position", "candidate", "text", "origin")),
        "comparison": {
            "of": "solutions" if comparison.left_step_id is None else "steps",
            "ties": options["ties"],
            "rationale": options["rationale"],
            "left": left,
            "right": right,
        },
    }


def _side(solution_id: int, step_id: int | None, shared: int) -> TaskPayload:
    """One step where steps are compared, else what the solution goes on with. Who wrote it is not said."""
    steps = Step.objects.filter(solution=solution_id, chosen=True, position__gte=shared)
    if step_id is not None:
        steps = Step.objects.filter(pk=step_id)
    found = steps.order_by("position").values_list("position", "text")
    return {"steps": [{"position": position, "text": text} for position, text in found]}


def _walked(assignment: Assignment) -> list[TaskPayload]:
    """What stands at the positions that the draft has come to, without asking a model for more."""
    ways, prefix = candidate_tree(assignment.task), list[str]()
    chosen = {step["position"]: step for step in draft_of(assignment)["steps"] if step.get("chosen")}
    shown: list[TaskPayload] = []
    while True:
        found, ended = ways.after(prefix), bool(prefix) and is_final(prefix[-1])
        choice = chosen.get(len(prefix))
        if found is None and not ended and not (choice and choice.get("text")):
            break
        candidates, source = found or ([], "")
        shown.append(
            {
                "position": len(prefix),
                "candidates": [
                    {"candidate": one.candidate, "text": one.text, "origin": one.origin, "is_final": one.is_final}
                    for one in candidates
                ],
                "source": source,
                "own": own_number(candidates),
                "ended": ended,
                "problem": "",
            }
        )
        text = choice and (choice.get("text") or _text_of(candidates, choice.get("candidate")))
        if not text:
            break
        prefix.append(text)
    return shown


def _text_of(candidates: Sequence[Candidate], number: int | None) -> str | None:
    return next((one.text for one in candidates if one.candidate == number), None)


def draft_of(assignment: Assignment) -> TaskPayload:
    """The stored draft with its version; version 0 and no steps before the first save."""
    return {"steps": [], **(assignment.draft or {}), "version": assignment.draft_version}
