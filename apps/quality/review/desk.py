"""An assignment as the labeling page shows it to a reviewer: the task, and what its labeler submitted.

It holds the reference answer whatever the round shows, so it is for reviewers only: labelers never get it.
"""

from __future__ import annotations

from typing import Any

from apps.corpus.comparisons import turned
from apps.labeling.assignments.payload import TaskPayload, task_payload
from apps.labeling.assignments.submissions import current_submission
from apps.labeling.models import Assignment, PreferenceLabel
from apps.quality.review.evidence import Naming

Row = dict[str, Any]


def shown_submission(assignment: Assignment) -> Row:
    """What the labeler submitted; of an assignment that is back with them, what they submitted last."""
    if not assignment.is_submitted:
        latest = assignment.past_submissions.order_by("-number").first()
        return {"steps": [], "finish_reason": "", "reason": "", **(latest.submission if latest is not None else {})}
    return current_submission(assignment).to_dict()


def reviewed_task(assignment: Assignment, submission: Row) -> TaskPayload:
    """The task with what its labeler had before them when they submitted. It has no draft to go on with."""
    assignment.draft = {"steps": submission["steps"]}
    payload = task_payload(assignment)
    payload["problem"]["reference_answer"] = assignment.task.problem.reference_answer
    return payload | {"note": ""}


def other_preferences(assignment: Assignment, naming: Naming) -> list[Row]:
    """How other labelers compared the same sides, with the sides as this assignment shows them."""
    labels = PreferenceLabel.objects.filter(assignment__task__comparison=assignment.task.comparison_id)
    others = labels.exclude(assignment=assignment).select_related("assignment").order_by("assignment__submitted_at")
    rows = list(others)
    names = naming({label.assignment.labeler_id for label in rows})
    return [
        {
            "labeler": names[label.assignment.labeler_id],
            "choice": turned(label.choice, is_turned=assignment.sides_swapped),
            "margin": label.margin,
            "rationale": label.rationale,
        }
        for label in rows
    ]
