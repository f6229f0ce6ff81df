"""What a labeler is given to work on."""

from __future__ import annotations

from typing import Any

from apps.core.prepared import Prepared
from apps.corpus.models import Step
from apps.labeling.masks import masked
from apps.labeling.models import Assignment

Sheet = dict[str, Any]

_STEPS = Prepared(
    lambda solution: Step.objects.filter(solution_id=solution, chosen=True).values_list(
        "position", "candidate", "text", "origin"
    ),
    "solution",
)


def sheet(assignment: Assignment) -> Sheet:
    """The task as the labeler may see it: never the labels of others, the verdict or the source."""
    round_, solution = assignment.round, assignment.task.solution
    assert solution is not None
    problem = solution.problem
    asked: Sheet = {
        "id": masked("problem", problem.pk),
        "statement": problem.statement,
        "subject": problem.subject,
        "level": problem.level,
    }
    if round_.show_reference:
        asked["reference_answer"] = problem.reference_answer
    return {
        "id": assignment.pk,
        "leased_until": assignment.leased_until,
        "task": masked("task", assignment.task_id),
        "round": round_.number,
        "protocol": round_.protocol,
        "problem": asked,
        "steps": [
            {
                "position": position,
                "candidates": [{"candidate": candidate, "text": text, "origin": origin}],
            }
            for position, candidate, text, origin in _STEPS.rows(solution=solution.pk)
        ],
        "draft": draft_of(assignment),
    }


def draft_of(assignment: Assignment) -> Sheet:
    """The stored draft with its version; version 0 and no steps before the first save."""
    return {"steps": [], **(assignment.draft or {}), "version": assignment.draft_version}
