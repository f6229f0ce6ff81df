"""Scoring screenings: labelers who reach the pass mark get real work."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.labeling.models import Assignment, Protocol, Round, RoundProgress, Task
from apps.quality.gold.marks import marks_of
from apps.quality.gold.scoring import gold_agreement


def score_screening(*, assignment: Assignment, now: datetime) -> None:
    """A hook of submissions: score the attempt after its last task. The caller has locked the labeler's progress."""
    if assignment.round.is_screening:
        score_attempt(round_=assignment.round, labeler=assignment.labeler, now=now)


@transaction.atomic
def score_attempt(*, round_: Round, labeler: User, now: datetime) -> bool:
    """Score the labeler's attempt if all its tasks are submitted; returns whether it is scored.

    Scoring it again changes nothing.
    """
    progress = RoundProgress.objects.select_for_update().filter(round=round_, labeler=labeler).first()
    if progress is None or progress.score is not None:
        return progress is not None
    own = Assignment.objects.submitted().filter(round=round_, labeler=labeler)
    tasks = Task.objects.filter(round=round_, is_gold=True, withdrawn="")
    if tasks.exclude(Exists(own.filter(task=OuterRef("pk")))).exists():
        return False
    assignments = list(own.filter(task__solution__problem__retired_at=None).select_related("task", "round"))
    if not assignments:
        return False
    progress.score = gold_agreement(marks_of(assignments).values(), every_step=round_.protocol == Protocol.EVERY_STEP)
    has_passed = progress.score >= (round_.pass_mark if round_.pass_mark is not None else 1.0)
    progress.passed_at = now if has_passed else None
    progress.save(update_fields=["score", "passed_at"])
    record_event(
        actor=labeler,
        verb="screening.passed" if has_passed else "screening.failed",
        target=str(round_.number),
        project=round_.project.slug,
        after={"score": progress.score, "attempt": progress.attempt},
    )
    return True
