"""A labeler's progress in a round: the row that claims and submissions lock, and counts of what was submitted.

The statements are prepared SQL, since each claim and each submission runs them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.db.locks import advisory_xact_lock
from apps.core.db.prepared import fetch, run
from apps.labeling.models import Assignment, Round

_LOCK = """
SELECT id, cursor_rank, cursor_task FROM labeling_roundprogress
WHERE round_id = %(round)s AND labeler_id = %(labeler)s FOR UPDATE
"""

_CREATE = """
INSERT INTO labeling_roundprogress (round_id, labeler_id, submitted)
VALUES (%(round)s, %(labeler)s, 0) ON CONFLICT DO NOTHING
"""

_COUNT = """
UPDATE labeling_roundprogress
SET submitted = submitted + %(filled)s, gold = gold + %(gold)s, late = late + %(late)s WHERE id = %(progress)s
"""

# The submissions of one day are few, and adjacent in the index of a labeler's submissions.
_PROGRESS = """
SELECT coalesce(sum(submitted), 0) + coalesce(sum(gold) FILTER (WHERE labeler_id = %(labeler)s), 0),
       coalesce(sum(submitted + gold + late) FILTER (WHERE labeler_id = %(labeler)s), 0), (
    SELECT count(*) FROM labeling_assignment a
    WHERE a.labeler_id = %(labeler)s AND a.submitted_at >= %(midnight)s AND a.round_id = %(round)s
      AND a.state IN ('submitted', 'extra')
)
FROM labeling_roundprogress WHERE round_id = %(round)s
"""


@dataclass(frozen=True, slots=True)
class LockedProgress:
    """A progress row, locked until the transaction ends. The cursor is the queue position of the last claim."""

    id: int
    cursor_rank: int | None
    cursor_task: int | None


def lock_progress(round_: Round, labeler_id: int) -> LockedProgress:
    """Lock the labeler's row, creating it if needed; only within a transaction.

    It is locked before any assignment or task: see the order of locks in `queue.claim`.
    """
    key = {"round": round_.pk, "labeler": labeler_id}
    rows = fetch(_LOCK, key)
    if not rows:
        lock_first_claims(round_)
        run(_CREATE, key)
        rows = fetch(_LOCK, key)
    return LockedProgress(*rows[0])


def lock_first_claims(round_: Round, *, exclusively: bool = False) -> None:
    """Held by a labeler's first claim in the round, and exclusively by edits of its slots: until there is a progress row,
    no other lock makes the two wait for each other.
    """
    advisory_xact_lock("first claims", round_.pk, is_shared=not exclusively)


def count_submission(progress: LockedProgress, *, counts: bool, is_gold: bool) -> None:
    """Count a submission; `counts` if it filled a slot. Gold and late ones, which fill none, are counted separately."""
    filled, gold = int(counts and not is_gold), int(counts and is_gold)
    run(_COUNT, {"filled": filled, "gold": gold, "late": int(not counts), "progress": progress.id})


def midnight(at: datetime | None = None) -> datetime:
    """The start of the day in the site's time zone."""
    return timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class SubmissionCount:
    """The number of submissions, including gold and late ones, and how many of them are of today."""

    total: int = 0
    today: int = 0


def submission_counts(
    assignments: QuerySet[Assignment], group: str, at: datetime | None = None
) -> dict[int, SubmissionCount]:
    """Counts by `round` or `labeler`. One query, so that `today` never exceeds `total`."""
    today = Count("id", filter=Q(submitted_at__gte=midnight(at)))
    submitted = assignments.filter(state__in=Assignment.SUBMITTED, submitted_at__isnull=False).order_by()
    rows = submitted.values_list(group).annotate(total=Count("id"), today=today)
    return {pk: SubmissionCount(total, day) for pk, total, day in rows}


def submissions_in(round_: Round, at: datetime | None = None) -> tuple[dict[int, SubmissionCount], dict[str, int]]:
    """By labeler as `submission_counts` has them, and how many ended by each finish reason. One query."""
    rows = (
        Assignment.objects.submitted()
        .filter(round=round_)
        .order_by()
        .values_list("labeler", "finish_reason")
        .annotate(
            ended=Count("id"),
            total=Count("submitted_at"),
            today=Count("id", filter=Q(submitted_at__gte=midnight(at))),
        )
    )
    by_labeler: dict[int, SubmissionCount] = {}
    by_reason: Counter[str] = Counter()
    for labeler, reason, ended, total, today in rows:
        before = by_labeler.get(labeler, SubmissionCount())
        by_labeler[labeler] = SubmissionCount(before.total + total, before.today + today)
        by_reason[reason] += ended
    return by_labeler, dict(by_reason)


def progress_for(round_: Round, labeler: User, at: datetime | None = None) -> dict[str, int]:
    """The progress that this labeler sees: `done` and `total` submissions of the team, and `mine`, those of `today` apart.

    Their own gold counts as done. If it did not, the count would not change after a gold task, and so reveal it.
    """
    ((done, mine, today),) = fetch(_PROGRESS, {"round": round_.pk, "labeler": labeler.pk, "midnight": midnight(at)})
    if round_.is_all_gold:
        # It has no slots to fill: each labeler does all of it.
        done = Assignment.objects.submitted().filter(round=round_, labeler=labeler).count()
        return {"done": done, "total": round_.task_count, "mine": done, "today": today}
    return {"done": min(done, round_.slot_count), "total": round_.slot_count, "mine": mine, "today": today}
