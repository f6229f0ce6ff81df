"""An assignment as the labeling page shows it to a reviewer: the task, and what its labeler submitted.

It holds the reference answer whatever the round shows, so it is for reviewers only: labelers never get it.
"""

from __future__ import annotations

from typing import Any

from apps.corpus.comparisons import turned
from apps.corpus.models import Step
from apps.labeling.assignments.payload import TaskPayload, task_payload
from apps.labeling.assignments.submissions import current_submission
from apps.labeling.models import Assignment, PreferenceLabel, Protocol
from apps.quality.review.evidence import Naming

Row = dict[str, Any]


def shown_submission(assignment: Assignment) -> Row:
    """What the labeler submitted; of an assignment that is back with them, what they submitted last."""
    if not assignment.is_submitted:
        latest = assignment.past_submissions.order_by("-number").first()
        return {"steps": [], "finish_reason": "", "reason": "", **(latest.submission if latest is not None else {})}
    submission: Row = current_submission(assignment).to_dict()
    if assignment.round.protocol == Protocol.BRANCHING:
        submission["steps"] = _with_own_texts(assignment, submission["steps"])
    return submission


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


def _with_own_texts(assignment: Assignment, steps: list[Row]) -> list[Row]:
    """Steps that the labeler wrote, with their texts: that is how the page knows them."""
    solution = assignment.derived_solution_id or assignment.task.solution_id
    written = Step.objects.filter(solution=solution, chosen=True, origin=Step.Origin.HUMAN)
    texts = dict(written.values_list("position", "text"))
    return [
        step | {"text": texts[step["position"]]} if step.get("chosen") and step["position"] in texts else step
        for step in steps
    ]
