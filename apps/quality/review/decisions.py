"""A reviewer's decision on an assignment as they saw it, and which decisions they may not make."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.labeling.assignments.seen_answers import has_seen_answer
from apps.labeling.models import Assignment, Protocol, Round
from apps.labeling.progress import lock_progress
from apps.labeling.protocols.submission import Submission
from apps.quality.models import Review
from apps.quality.review.assignments import (
    ANSWER_SEEN,
    CORRECTABLE,
    KNOWN_ANSWER,
    ROUND_CLOSED,
    accept,
    are_same_ratings,
    correct_assignment,
    is_accepted,
    return_to_labeler,
)
from apps.quality.review.impartiality import allows_self_review, barred_from, check_not_own_work

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
class ReviewerDecision:
    """What a reviewer decides; `submission` has the ratings of a correction."""

    decision: Review.Decision
    note: str = ""
    submission: Submission | None = None


def revision_of(assignment: Assignment) -> str:
    """Differs once the labeler has changed the submission, or a reviewer has decided on it or withdrawn a correction."""
    newest = Review.objects.filter(assignment=assignment).values_list("pk", flat=True).first()
    return f"{assignment.versions}.{newest or 0}.{assignment.corrected_by_id or 0}.{assignment.state}"


@transaction.atomic
def decide(*, assignment: Assignment, reviewer: User, decision: ReviewerDecision, seen: str | None = None) -> None:
    """Review the assignment. The same decision again changes nothing.

    Raises Conflict, code `changed_since`, if its revision is no longer the one that the reviewer has `seen`: nobody vouches
    for ratings that were not before them. The services of the decisions raise what else speaks against one.
    """
    check_not_own_work(assignment, reviewer)
    lock_progress(assignment.round, assignment.labeler_id)
    locked = Assignment.objects.select_for_update(of=("self",)).get(pk=assignment.pk)
    if _is_made_already(locked, reviewer, decision):
        return
    if seen is not None and seen != revision_of(locked):
        raise Conflict("This submission was changed or reviewed since you opened it.", code="changed_since")
    if decision.decision == Review.Decision.ACCEPTED:
        accept(assignments=[assignment], reviewer=reviewer)
    elif decision.decision == Review.Decision.RETURNED:
        return_to_labeler(assignment=assignment, reviewer=reviewer, note=decision.note)
    else:
        assert decision.submission is not None
        correct_assignment(assignment=assignment, submission=decision.submission, reviewer=reviewer, note=decision.note)


def _is_made_already(assignment: Assignment, reviewer: User, decision: ReviewerDecision) -> bool:
    """Whether it is accepted already, or the reviewer's decision is this one and its response was lost."""
    if decision.decision == Review.Decision.ACCEPTED:
        return assignment.is_submitted and is_accepted(assignment)
    newest = Review.objects.filter(assignment=assignment).first()
    if newest is None or newest.reviewer_id != reviewer.pk or newest.decision != decision.decision:
        return False
    if newest.note != decision.note.strip():
        return False
    if decision.decision == Review.Decision.RETURNED:
        return assignment.state == Assignment.State.RETURNED
    assert decision.submission is not None
    stored = Submission.from_dict(newest.submission or {})
    return assignment.corrected_by_id == reviewer.pk and are_same_ratings(decision.submission, stored)


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
    if assignment.round.status == Round.Status.CLOSED:
        return ROUND_CLOSED
    return ANSWER_SEEN if has_seen_answer(assignment) else ""


def _why_not_corrected(assignment: Assignment) -> str:
    protocol = Protocol(assignment.round.protocol)
    if protocol not in CORRECTABLE:
        return _NO_CORRECTION[protocol]
    return KNOWN_ANSWER if assignment.round.is_all_gold else ""
