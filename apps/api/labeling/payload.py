"""The task payload of the API: the task, and in verify mode the models' labels of it."""

from __future__ import annotations

from typing import Any

from apps.estimation.latest import newest_estimates
from apps.labeling.assignments.payload import task_payload
from apps.labeling.assignments.verify_mode import open_in_verify_mode, shown_model_labels
from apps.labeling.models import Assignment


def open_assignment(assignment: Assignment) -> dict[str, Any]:
    """The payload of an assignment that its labeler opens; the first opening fixes the models' labels that it shows."""
    open_in_verify_mode(assignment, newest_estimates)
    labels = shown_model_labels(assignment)
    return task_payload(assignment) | ({"models": labels} if labels else {})
