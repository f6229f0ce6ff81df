"""Reviewing assignments: accept, return with a note, correct. All reviews are kept, and the newest counts.

A correction is the reviewer's: the labeler's own ratings are kept, and gold, speed and agreement measure these.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import transaction

from apps.accounts.models import AuditEvent, User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.corpus.labels import first_error
from apps.corpus.models import Solution
from apps.labeling.assignments.context import AssignmentContext
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.seen_answers import has_seen_answer
from apps.labeling.assignments.submissions import current_submission
from apps.labeling.models import Assignment, Protocol, Round
from apps.labeling.progress import lock_progress
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.protocols.base import TaskContext
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.quality.consensus.invalidation import solution_ids_of
from apps.quality.models import Review, StaleSolution
from apps.quality.review.adjudication import adjudicate_correction, self_review_note, withdraw_adjudication
from apps.quality.review.corrections import Correction, corrections_of
from apps.quality.review.impartiality import check_impartial, check_not_own_work

CORRECTABLE = (Protocol.FIRST_ERROR, Protocol.EVERY_STEP)
ROUND_CLOSED = "The round is closed: its labeler could not work on it again, and its labels would no longer count."
ANSWER_SEEN = (
    "Its labeler has seen the answer in training since, and would label it again knowing it. Correct it yourself."
)
KNOWN_ANSWER = "Screenings and training have known answers. If one is wrong, change the gold of its solution."


@transaction.atomic
def accept(*, assignments: Sequence[Assignment], reviewer: User) -> int:
    """Accept the assignments that are submitted and not accepted yet; returns their number.

    Raises NotAllowed if one of them is the reviewer's own; then none is accepted.
    """
    own = {assignment.pk for assignment in assignments if check_not_own_work(assignment, reviewer)}
    rows = Assignment.objects.filter(pk__in=[assignment.pk for assignment in assignments]).order_by("pk")
    locked = rows.select_for_update(of=("self",)).select_related("round__project")
    unaccepted = [assignment for assignment in locked if assignment.is_submitted and not is_accepted(assignment)]
    Review.objects.bulk_create(
        Review(
            assignment=assignment,
            decision=Review.Decision.ACCEPTED,
            reviewer=reviewer,
            self_reviewed=assignment.pk in own,
        )
        for assignment in unaccepted
    )
    for assignment in unaccepted:
        _record(assignment, reviewer, "assignment.accepted", "", is_own=assignment.pk in own)
    return len(unaccepted)


@transaction.atomic
def return_to_labeler(*, assignment: Assignment, reviewer: User, note: str) -> Review:
    """Return the assignment with a note: the labeler gets it before any new task. Raises DomainError without a note.

    Raises NotAllowed if the reviewer labeled the same solution: reviewers must not undo labels that compete with theirs;
    Conflict in a closed round, in which the labeler could not work on it again, and after they have seen its answer.
    """
    if not note.strip():
        raise DomainError("Write a note on what the labeler should check.", fields={"note": "must not be empty"})
    if assignment.round.status == Round.Status.CLOSED:
        raise Conflict(ROUND_CLOSED, code="round_closed")
    if has_seen_answer(assignment):
        raise Conflict(ANSWER_SEEN, code="answer_seen")
    is_own = _is_own(assignment, reviewer)
    return_assignment(assignment=assignment, note=note.strip())
    StaleSolution.objects.mark(assignment.round.project_id, solution_ids_of(assignment))
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
    """Correct an assignment: the reviewer's ratings are adjudicated and count in place of the labeler's.

    Answers about the error may be left out: where the first error stays the same, the labeler's own stay too.

    Raises Conflict if nothing is submitted, if the protocol has no steps to correct, if the answer is known or if
    nothing changes; Unprocessable if the submission does not satisfy the protocol; NotAllowed if the reviewer labeled
    the solution.
    """
    is_own = _is_own(assignment, reviewer)
    locked = _lock(assignment)
    if locked.round.protocol not in CORRECTABLE:
        raise Conflict("Only ratings of single steps can be corrected by a reviewer.", code="not_correctable")
    if locked.round.is_all_gold:
        raise Conflict(KNOWN_ANSWER, code="not_correctable")
    context = AssignmentContext.load(locked)
    asks_nothing_more = replace(context, options=None)
    PROTOCOLS[locked.round.protocol].check(
        submission, context if _has_followup(submission, context) else asks_nothing_more
    )
    submission = _with_followup(submission, current_submission(locked), context)
    before = _counted_submission(locked)
    if are_same_ratings(submission, before):
        raise Conflict("Nothing is changed: accept the submission instead.", code="unchanged")
    if are_same_ratings(submission, current_submission(locked)):
        raise Conflict("These are the labeler's own ratings: withdraw the correction instead.", code="unchanged")
    locked.corrected_by = reviewer
    locked.save(update_fields=["corrected_by"])
    solution = locked.task.solution
    assert solution is not None
    ratings = _path_ratings(submission, context)
    adjudicate_correction(solution=solution, ratings=ratings, by=reviewer, note=note.strip(), is_own=is_own)
    record_event(
        actor=reviewer,
        verb="assignment.corrected",
        target=str(locked.pk),
        project=locked.round.project.slug,
        before=before.to_dict(),
        after=submission.to_dict() | {"note": note.strip()} | self_review_note(is_own=is_own),
    )
    return Review.objects.create(
        assignment=locked,
        decision=Review.Decision.CORRECTED,
        reviewer=reviewer,
        note=note.strip(),
        submission=submission.to_dict(),
        self_reviewed=is_own,
    )


@transaction.atomic
def withdraw_correction(*, assignment: Assignment, reviewer: User) -> bool:
    """Withdraw a correction: the labeler's own ratings count again. Returns False if there is none.

    Of several corrections of a solution the newest that remains is adjudicated in its place. A later adjudication of the
    whole solution stays.
    """
    is_own = _is_own(assignment, reviewer)
    locked = _lock(assignment)
    if locked.corrected_by_id is None:
        return False
    solution = locked.task.solution
    assert solution is not None
    before = _counted_submission(locked)
    withdrawn = corrections_of([locked.pk]).get(locked.pk)
    locked.corrected_by = None
    locked.save(update_fields=["corrected_by"])
    remaining = corrections_of(
        Assignment.objects.filter(task__solution=solution, corrected_by__isnull=False).values_list("pk", flat=True)
    )
    newest = max(remaining.values(), key=lambda correction: correction.at, default=None)
    if withdrawn is not None and _is_latest_adjudication(withdrawn, solution, newest):
        if newest is None:
            withdraw_adjudication(solution=solution, by=reviewer)
        else:
            adjudicate_correction(
                solution=solution,
                ratings=_path_ratings(newest.submission, AssignmentContext.load(locked)),
                by=newest.reviewer,
                note=newest.note,
                is_own=newest.self_reviewed,
            )
    StaleSolution.objects.mark(locked.round.project_id, [solution.pk])
    record_event(
        actor=reviewer,
        verb="assignment.correction_withdrawn",
        target=str(locked.pk),
        project=locked.round.project.slug,
        before=before.to_dict(),
        after=current_submission(locked).to_dict() | self_review_note(is_own=is_own),
    )
    return True


def _is_latest_adjudication(correction: Correction, solution: Solution, newest: Correction | None) -> bool:
    """Whether no reviewer adjudicated the whole solution after it. `newest` is the newest other correction."""
    if newest is not None and newest.at > correction.at:
        return False
    later = AuditEvent.objects.filter(
        project=solution.project.slug, verb="solution.adjudicated", target=str(solution.pk), at__gt=correction.at
    )
    return not later.exists()


def _path_ratings(submission: Submission, context: TaskContext) -> dict[int, int]:
    """The ratings of the solution's own steps, by position."""
    return {
        step.position: step.rating
        for step in submission.steps
        if step.rating is not None and context.path.get(step.position) == step.candidate
    }


def _is_beside_path(step: SubmittedStep, context: TaskContext) -> bool:
    """Whether it answers an alternative of the bad step."""
    return context.path.get(step.position) != step.candidate


def _has_followup(submission: Submission, context: TaskContext) -> bool:
    """Whether it answers what the round asks about the error."""
    is_answered = submission.progress is not None or bool(submission.critiques)
    return is_answered or any(_is_beside_path(step, context) for step in submission.steps)


def _with_followup(submission: Submission, own: Submission, context: TaskContext) -> Submission:
    """The correction with the labeler's answers about the error, if it has none and names the same error."""
    if _has_followup(submission, context):
        return submission
    first_errors = [first_error(_path_ratings(of, context), len(context.path)) for of in (submission, own)]
    if first_errors[0] != first_errors[1] or first_errors[0] < 0:
        return submission
    alternatives = [step for step in own.steps if _is_beside_path(step, context)]
    return replace(submission, steps=[*submission.steps, *alternatives], progress=own.progress, critiques=own.critiques)


def _is_own(assignment: Assignment, reviewer: User) -> bool:
    """Whether the reviewer reviews their own assignment or solution, as the project allows; else raises NotAllowed."""
    is_own = check_not_own_work(assignment, reviewer)
    solution = assignment.task.solution
    return is_own or (solution is not None and bool(check_impartial([solution], reviewer)))


def _lock(assignment: Assignment) -> Assignment:
    """The assignment, locked against its labeler and other reviewers. Raises Conflict if it is not submitted."""
    lock_progress(assignment.round, assignment.labeler_id)
    rows = Assignment.objects.select_for_update(of=("self",)).select_related("task__solution__project")
    locked = rows.get(pk=assignment.pk)
    locked.round = assignment.round
    if not locked.is_submitted:
        raise Conflict("This assignment is no longer submitted: it was returned to its labeler.", code="not_submitted")
    return locked


def _counted_submission(assignment: Assignment) -> Submission:
    correction = corrections_of([assignment.pk]).get(assignment.pk)
    return current_submission(assignment) if correction is None else correction.submission


def are_same_ratings(submission: Submission, other: Submission) -> bool:
    """Whether they give the same steps the same ratings and end for the same reason."""

    def ratings(of: Submission) -> dict[tuple[int, int], tuple[int | None, bool]]:
        return {(step.position, step.candidate): (step.rating, step.unsure) for step in of.steps if step.is_answered}

    return submission.finish_reason == other.finish_reason and ratings(submission) == ratings(other)


def is_accepted(assignment: Assignment) -> bool:
    """Whether the newest review accepts it, and the labeler has not corrected it since."""
    last = Review.objects.filter(assignment=assignment).first()
    if last is None or last.decision != Review.Decision.ACCEPTED:
        return False
    return not assignment.past_submissions.filter(replaced_at__gt=last.at).exists()


def _record(assignment: Assignment, reviewer: User, verb: str, note: str, *, is_own: bool) -> None:
    record_event(
        actor=reviewer,
        verb=verb,
        target=str(assignment.pk),
        project=assignment.round.project.slug,
        after={**({"note": note} if note else {}), **self_review_note(is_own=is_own)} or None,
    )
