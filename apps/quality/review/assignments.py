"""Reviewing assignments: accept, return with a note, correct. Who reviewed what is kept, and the newest review counts.

A correction is the reviewer's: the labeler's own ratings stay theirs, and are what gold, speed and agreement measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db import transaction

from apps.accounts.models import AuditEvent, User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.corpus.models import Solution
from apps.labeling.assignments.correct import said_of
from apps.labeling.assignments.returns import give_back
from apps.labeling.assignments.submit import ground_of
from apps.labeling.models import Assignment, Protocol
from apps.labeling.progress import lock_progress
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.protocols.base import Asked
from apps.labeling.protocols.submission import Submission
from apps.quality.consensus.invalidation import solutions_of
from apps.quality.models import Review, Stale
from apps.quality.review.adjudication import adjudicate_correction, marked, take_back
from apps.quality.review.corrections import Correction, corrections_of
from apps.quality.review.impartiality import check_reviewer, check_sides

CORRECTABLE = (Protocol.FIRST_ERROR, Protocol.EVERY_STEP)

Rating = tuple[int | None, bool]


@transaction.atomic
def accept(*, assignments: Sequence[Assignment], reviewer: User) -> int:
    """Returns the number of assignments that were accepted: those that are submitted and were not accepted before.

    Raises NotAllowed when one of them is the reviewer's own; then none is accepted.
    """
    own = {one.pk for one in assignments if check_reviewer(one, reviewer)}
    waiting = [one for one in assignments if one.is_submitted and not _is_accepted(one)]
    Review.objects.bulk_create(
        Review(assignment=one, decision=Review.Decision.ACCEPTED, reviewer=reviewer, self_reviewed=one.pk in own)
        for one in waiting
    )
    for one in waiting:
        _record(one, reviewer, "assignment.accepted", "", is_own=one.pk in own)
    return len(waiting)


@transaction.atomic
def return_to_labeler(*, assignment: Assignment, reviewer: User, note: str) -> Review:
    """The labeler gets it again, first of all, with the note and what they had said. Raises DomainError without one.

    Raises NotAllowed when the reviewer labeled the same solution: a side does not take the other's word away.
    """
    if not note.strip():
        raise DomainError("Say what is to be looked at again.", fields={"note": "empty"})
    is_own = _judges_own(assignment, reviewer)
    give_back(assignment=assignment, note=note.strip())
    Stale.objects.mark(assignment.round.project_id, solutions_of(assignment))
    _record(assignment, reviewer, "assignment.returned", note.strip(), is_own=is_own)
    return Review.objects.create(
        assignment=assignment,
        decision=Review.Decision.RETURNED,
        reviewer=reviewer,
        note=note.strip(),
        self_reviewed=is_own,
    )


# --- corrections --------------------------------------------------------------------------------------------


@transaction.atomic
def correct_assignment(*, assignment: Assignment, submission: Submission, reviewer: User, note: str = "") -> Review:
    """The reviewer's ratings count in place of the labeler's, as the reviewer's word on the solution.

    Raises Conflict when nothing is submitted, when its protocol has no steps to correct or when nothing is changed;
    Unprocessable when the protocol is not satisfied; NotAllowed when the reviewer labeled the solution.
    """
    is_own = _judges_own(assignment, reviewer)
    held = _locked(assignment)
    if held.round.protocol not in CORRECTABLE:
        raise Conflict("Only ratings of single steps can be corrected by a reviewer.", code="not_correctable")
    ground = ground_of(held)
    PROTOCOLS[held.round.protocol].check(submission, ground.asked)
    before = _counted_submission(held)
    if _says_the_same(submission, before):
        raise Conflict("Nothing is changed: accept it instead.", code="unchanged")
    if _says_the_same(submission, said_of(held)):
        raise Conflict("These are the labeler's own ratings: take the correction back instead.", code="unchanged")
    held.corrected_by = reviewer
    held.save(update_fields=["corrected_by"])
    solution = held.task.solution
    assert solution is not None
    ratings = _path_ratings(submission, ground.asked)
    adjudicate_correction(solution=solution, ratings=ratings, by=reviewer, note=note.strip(), is_own=is_own)
    record_event(
        actor=reviewer,
        verb="assignment.corrected",
        target=str(held.pk),
        project=held.round.project.slug,
        before=before.to_dict(),
        after=submission.to_dict() | {"note": note.strip()} | marked(is_own=is_own),
    )
    return Review.objects.create(
        assignment=held,
        decision=Review.Decision.CORRECTED,
        reviewer=reviewer,
        note=note.strip(),
        submission=submission.to_dict(),
        self_reviewed=is_own,
    )


@transaction.atomic
def take_correction_back(*, assignment: Assignment, reviewer: User) -> bool:
    """The labeler's own ratings count again. False when no correction counts in their place.

    Of several corrections of a solution the newest that is left stands in its place; a word that a reviewer said of the
    whole solution since then stays.
    """
    is_own = _judges_own(assignment, reviewer)
    held = _locked(assignment)
    if held.corrected_by_id is None:
        return False
    solution = held.task.solution
    assert solution is not None
    before = _counted_submission(held)
    withdrawn = corrections_of([held.pk]).get(held.pk)
    held.corrected_by = None
    held.save(update_fields=["corrected_by"])
    left = corrections_of(
        Assignment.objects.filter(task__solution=solution, corrected_by__isnull=False).values_list("pk", flat=True)
    )
    newest = max(left.values(), key=lambda one: one.at, default=None)
    if withdrawn is not None and _stands(withdrawn, solution, newest):
        if newest is None:
            take_back(solution=solution, by=reviewer)
        else:
            adjudicate_correction(
                solution=solution,
                ratings=_path_ratings(newest.submission, ground_of(held).asked),
                by=newest.reviewer,
                note=newest.note,
                is_own=newest.self_reviewed,
            )
    Stale.objects.mark(held.round.project_id, [solution.pk])
    record_event(
        actor=reviewer,
        verb="assignment.correction_withdrawn",
        target=str(held.pk),
        project=held.round.project.slug,
        before=before.to_dict(),
        after=said_of(held).to_dict() | marked(is_own=is_own),
    )
    return True


def _stands(correction: Correction, solution: Solution, newest: Correction | None) -> bool:
    """Whether it is the last that reviewers said of the whole solution. `newest` is the newest other correction."""
    if newest is not None and newest.at > correction.at:
        return False
    later = AuditEvent.objects.filter(
        project=solution.project.slug, verb="solution.adjudicated", target=str(solution.pk), at__gt=correction.at
    )
    return not later.exists()


def _path_ratings(submission: Submission, asked: Asked) -> dict[int, int]:
    """By position, of the solution's own steps."""
    return {
        step.position: step.rating
        for step in submission.steps
        if step.rating is not None and asked.path.get(step.position) == step.candidate
    }


def _judges_own(assignment: Assignment, reviewer: User) -> bool:
    is_own = check_reviewer(assignment, reviewer)
    solution = assignment.task.solution
    return is_own or (solution is not None and bool(check_sides([solution], reviewer)))


def _locked(assignment: Assignment) -> Assignment:
    """The assignment as it is, while neither its labeler nor another reviewer changes it."""
    lock_progress(assignment.round, assignment.labeler_id)
    rows = Assignment.objects.select_for_update(of=("self",)).select_related("task__solution__project")
    held = rows.get(pk=assignment.pk)
    held.round = assignment.round
    if not held.is_submitted:
        raise Conflict(
            "This is not submitted any more: it was returned to its labeler meanwhile.", code="not_submitted"
        )
    return held


def _counted_submission(assignment: Assignment) -> Submission:
    correction = corrections_of([assignment.pk]).get(assignment.pk)
    return said_of(assignment) if correction is None else correction.submission


def _says_the_same(one: Submission, other: Submission) -> bool:
    """Whether they rate the same steps alike and end alike."""
    return one.finish_reason == other.finish_reason and _ratings(one) == _ratings(other)


def _ratings(submission: Submission) -> Mapping[tuple[int, int], Rating]:
    return {
        (step.position, step.candidate): (step.rating, step.unsure) for step in submission.steps if step.is_answered
    }


def _is_accepted(assignment: Assignment) -> bool:
    """As it stands: a correction after it is to be looked at again."""
    last = Review.objects.filter(assignment=assignment).first()
    if last is None or last.decision != Review.Decision.ACCEPTED:
        return False
    return not assignment.past.filter(replaced_at__gt=last.at).exists()


def _record(assignment: Assignment, reviewer: User, verb: str, note: str, *, is_own: bool) -> None:
    record_event(
        actor=reviewer,
        verb=verb,
        target=str(assignment.pk),
        project=assignment.round.project.slug,
        after={**({"note": note} if note else {}), **marked(is_own=is_own)} or None,
    )
