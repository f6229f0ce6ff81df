"""What a labeler is given to work on."""

from __future__ import annotations

from typing import Any

from apps.corpus.models import Step
from apps.labeling.models import Assignment

Sheet = dict[str, Any]


def sheet(assignment: Assignment) -> Sheet:
    """The task as the labeler may see it: never the labels of others, the verdict or the source."""
    round_, solution = assignment.round, assignment.task.solution
    assert solution is not None
    problem = solution.problem
    steps = Step.objects.filter(solution=solution.pk, chosen=True)
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
        "steps": [
            {
                "position": position,
                "candidates": [{"candidate": candidate, "text": text, "origin": origin}],
            }
            for position, candidate, text, origin in steps.values_list("position", "candidate", "text", "origin")
        ],
        "note": assignment.note,
        "draft": draft_of(assignment),
    }


def draft_of(assignment: Assignment) -> Sheet:
    """The stored draft with its version; version 0 and no steps before the first save."""
    return {"steps": [], **(assignment.draft or {}), "version": assignment.draft_version}
