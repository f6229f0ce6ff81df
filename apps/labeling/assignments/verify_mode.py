"""Verify mode: labelers see the models' labels of each step, and what they saw is kept with the assignment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from apps.labeling.models import Assignment, Round
from apps.labeling.rounds.completion import is_hidden_from_labelers

SHOWN = "shown"


def shown_model_labels(assignment: Assignment) -> dict[str, Any] | None:
    """The models' labels that this assignment shows; None in other modes, and where there are none."""
    return (assignment.extras or {}).get(SHOWN) if assignment.round.mode == Round.Mode.VERIFY else None


def open_in_verify_mode(assignment: Assignment, newest_labels: Callable[[int], Mapping[str, Any] | None]) -> None:
    """Store the models' newest labels when an assignment is opened for the first time in a round in verify mode.

    They stay as they were shown, regardless of newer runs, so that the labeler's agreement with them can be measured.
    `newest_labels` returns the labels of a solution, or None. A solution that waits in a blind round of fresh eyes shows
    none: the queue does not serve it meanwhile, but an assignment may be older than that round.
    """
    round_, solution_id = assignment.round, assignment.task.solution_id
    if round_.mode != Round.Mode.VERIFY or solution_id is None or shown_model_labels(assignment) is not None:
        return
    if is_hidden_from_labelers(round_.project_id, solution_id):
        return
    labels = newest_labels(solution_id)
    if labels is not None:
        assignment.extras = {**(assignment.extras or {}), SHOWN: dict(labels)}
        assignment.save(update_fields=["extras"])
