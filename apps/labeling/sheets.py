"""What a labeler is given to work on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.corpus.models import Step
from apps.labeling.dialogue import Candidate, is_final, own_number
from apps.labeling.models import Assignment, Protocol
from apps.labeling.submitting import ways_of

Sheet = dict[str, Any]


def sheet(assignment: Assignment) -> Sheet:
    """The task as the labeler may see it: never the labels of others, the verdict or the source."""
    round_, solution = assignment.round, assignment.task.solution
    assert solution is not None
    problem = solution.problem
    asked: Sheet = {
        "id": problem.pk,
        "statement": problem.statement,
        "subject": problem.subject,
        "level": problem.level,
    }
    if round_.show_reference:
        asked["reference_answer"] = problem.reference_answer
    return {
        "id": assignment.pk,
        "leased_until": assignment.leased_until,
        "task": assignment.task_id,
        "round": round_.number,
        "protocol": round_.protocol,
        "problem": asked,
        "steps": _walked(assignment) if round_.protocol == Protocol.BRANCHING else _path(solution.pk),
        "draft": draft_of(assignment),
    }


def _path(solution_id: int) -> list[Sheet]:
    steps = Step.objects.filter(solution=solution_id, chosen=True)
    return [
        {"position": position, "candidates": [{"candidate": candidate, "text": text, "origin": origin}]}
        for position, candidate, text, origin in steps.values_list("position", "candidate", "text", "origin")
    ]


def _walked(assignment: Assignment) -> list[Sheet]:
    """What stands at the positions that the draft has come to, without asking a model for more."""
    ways, prefix = ways_of(assignment.task), list[str]()
    chosen = {step["position"]: step for step in draft_of(assignment)["steps"] if step.get("chosen")}
    shown: list[Sheet] = []
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


def draft_of(assignment: Assignment) -> Sheet:
    """The stored draft with its version; version 0 and no steps before the first save."""
    return {"steps": [], **(assignment.draft or {}), "version": assignment.draft_version}
