"""Which decisions a reviewer may make on an assignment, and why not the others."""

from __future__ import annotations

from dataclasses import dataclass

from apps.accounts.models import User
from apps.labeling.models import Assignment, Protocol, Round
from apps.quality.review.assignments import CORRECTABLE, ROUND_CLOSED
from apps.quality.review.impartiality import allows_self_review, barred_from

_NOT_SUBMITTED = "Nothing is submitted now: a reviewer returned it, and its labeler has not submitted it again."
_OWN = "This is your own submission, so another reviewer reviews it."
_LABELED = (
    "You labeled this solution yourself. You can accept this submission, but another reviewer returns or corrects it."
)
_CORRECTED = "Withdraw the correction before you return the submission."
_EXTRA = "This submission came after its slot was filled, so it cannot be returned."
_NO_CORRECTION = {
    Protocol.BRANCHING: "A branching task cannot be corrected, because others may have built on its path. Accept or return it.",
    Protocol.COMPARISON: "A comparison cannot be corrected, because it has no steps to adjudicate. Accept or return it.",
}


@dataclass(frozen=True, slots=True)
class Refusals:
    """Why a decision is not possible, as a sentence; empty where it is possible."""

    accepted: str = ""
    returned: str = ""
    corrected: str = ""


def refusals_of(assignment: Assignment, reviewer: User) -> Refusals:
    """The services refuse the same. The assignment comes with its round and task."""
    if not assignment.is_submitted:
        return Refusals(_NOT_SUBMITTED, _NOT_SUBMITTED, _NOT_SUBMITTED)
    project, solution_id = assignment.round.project, assignment.task.solution_id
    if assignment.labeler_id == reviewer.pk and not allows_self_review(project.pk):
        return Refusals(_OWN, _OWN, _OWN)
    if solution_id is not None and barred_from(reviewer, project, [solution_id]):
        return Refusals("", _LABELED, _LABELED)
    return Refusals("", _why_not_returned(assignment), _why_not_corrected(assignment))


def _why_not_returned(assignment: Assignment) -> str:
    if assignment.corrected_by_id is not None:
        return _CORRECTED
    if assignment.task.withdrawn:
        return f"{assignment.task.withdrawal}."
    if assignment.state != Assignment.State.SUBMITTED:
        return _EXTRA
    return ROUND_CLOSED if assignment.round.status == Round.Status.CLOSED else ""


def _why_not_corrected(assignment: Assignment) -> str:
    protocol = Protocol(assignment.round.protocol)
    return "" if protocol in CORRECTABLE else _NO_CORRECTION[protocol]
