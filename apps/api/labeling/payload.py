"""The sheet that a labeler gets: the task, and in verify mode what models say of it."""

from __future__ import annotations

from typing import Any

from apps.estimation.latest import newest_estimates
from apps.labeling.assignments.payload import task_payload
from apps.labeling.assignments.verify_mode import keep_shown, shown_in
from apps.labeling.models import Assignment, Round


def full_payload(assignment: Assignment) -> dict[str, Any]:
    """What labeling gives, and `models` where the round shows them; what was shown once stays what is shown."""
    given = task_payload(assignment)
    if assignment.round.mode != Round.Mode.VERIFY or assignment.task.solution_id is None:
        return given
    words = shown_in(assignment)
    if words is None and (words := newest_estimates(assignment.task.solution_id)) is not None:
        keep_shown(assignment, words)
    return given | ({"models": words} if words else {})
