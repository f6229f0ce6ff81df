"""Reviewing turns: accept, return with a note, correct. Who reviewed what is kept, and the newest word counts."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.labeling.correcting import correct
from apps.labeling.models import Assignment
from apps.labeling.returning import give_back
from apps.labeling.submissions import Submission
from apps.quality.models import Review, Stale


@transaction.atomic
def accept(*, assignments: Sequence[Assignment], reviewer: User) -> int:
    """Gives the number of turns that were accepted: those that are handed in and were not accepted before."""
    waiting = [one for one in assignments if one.is_spoken and not _is_accepted(one)]
    Review.objects.bulk_create(
        Review(assignment=one, decision=Review.Decision.ACCEPTED, reviewer=reviewer) for one in waiting
    )
    for one in waiting:
        _record(one, reviewer, "assignment.accepted", "")
    return len(waiting)


@transaction.atomic
def return_to_labeler(*, assignment: Assignment, reviewer: User, note: str) -> Review:
    """The labeler gets it again, first of all, with the note and what they had said. Raises DomainError without one."""
    if not note.strip():
        raise DomainError("Say what is to be looked at again.", fields={"note": "empty"})
    give_back(assignment=assignment, note=note.strip())
    if assignment.task.solution_id is not None:
        Stale.objects.mark(assignment.round.project_id, [assignment.task.solution_id])
    _record(assignment, reviewer, "assignment.returned", note.strip())
    return Review.objects.create(
        assignment=assignment, decision=Review.Decision.RETURNED, reviewer=reviewer, note=note.strip()
    )


@transaction.atomic
def correct_turn(*, assignment: Assignment, submission: Submission, reviewer: User, note: str = "") -> Review:
    """The reviewer says it in the labeler's place; what the labeler had said is kept."""
    correct(assignment=assignment, submission=submission, actor=reviewer)
    return Review.objects.create(
        assignment=assignment, decision=Review.Decision.CORRECTED, reviewer=reviewer, note=note.strip()
    )


def _is_accepted(assignment: Assignment) -> bool:
    """As it stands: a correction after it is to be looked at again."""
    last = Review.objects.filter(assignment=assignment).first()
    if last is None or last.decision != Review.Decision.ACCEPTED:
        return False
    return not assignment.past.filter(replaced_at__gt=last.at).exists()


def _record(assignment: Assignment, reviewer: User, verb: str, note: str) -> None:
    record_event(
        actor=reviewer, verb=verb, target=str(assignment.pk), project=assignment.round.project.slug,
        after={"note": note} if note else None,
    )  # fmt: skip
