"""The screening: scored when its last task is handed in; who reaches the mark gets real work."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.labeling.models import Assignment, Protocol, Round, RoundProgress, Task
from apps.quality.gold.marks import marks_of
from apps.quality.gold.scoring import agreement


def settle(*, assignment: Assignment, now: datetime) -> None:
    """A sink of submissions: score the try when this was its last task. The seat is locked already."""
    if assignment.round.is_screening:
        score_attempt(round_=assignment.round, labeler=assignment.labeler, now=now)


@transaction.atomic
def score_attempt(*, round_: Round, labeler: User, now: datetime) -> bool:
    """Whether the labeler's try is over, and scored. Doing it twice changes nothing."""
    progress = RoundProgress.objects.select_for_update().filter(round=round_, labeler=labeler).first()
    if progress is None or progress.score is not None:
        return progress is not None
    mine = Assignment.objects.submitted().filter(round=round_, labeler=labeler)
    asked = Task.objects.filter(round=round_, is_gold=True, withdrawn="")
    if asked.exclude(Exists(mine.filter(task=OuterRef("pk")))).exists():
        return False
    assignments = list(mine.filter(task__solution__problem__retired_at=None).select_related("task", "round"))
    if not assignments:
        return False
    progress.score = agreement(marks_of(assignments).values(), every_step=round_.protocol == Protocol.EVERY_STEP)
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
