"""A labeler's seat in a round: locked while they claim or hand in; and how much was handed in, by whom.

In SQL, as each claim and each submission comes by here, and making the same query anew from Python
costs several times what PostgreSQL needs for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.db.prepared import fetch, run
from apps.labeling.models import Assignment, Round

_LOCK = """
SELECT id, cursor_rank, cursor_task FROM labeling_roundprogress
WHERE round_id = %(round)s AND labeler_id = %(labeler)s FOR UPDATE
"""

_TAKE = """
INSERT INTO labeling_roundprogress (round_id, labeler_id, submitted)
VALUES (%(round)s, %(labeler)s, 0) ON CONFLICT DO NOTHING
"""

_COUNT = """
UPDATE labeling_roundprogress SET submitted = submitted + %(filled)s, gold = gold + %(gold)s WHERE id = %(progress)s
"""

# The submissions of a day are few, and stand together in the index of a labeler's submissions.
_PROGRESS = """
SELECT coalesce(sum(submitted), 0) + coalesce(sum(gold) FILTER (WHERE labeler_id = %(labeler)s), 0), (
    SELECT count(*) FROM labeling_assignment a
    WHERE a.labeler_id = %(labeler)s AND a.submitted_at >= %(midnight)s AND a.round_id = %(round)s
      AND a.state IN ('submitted', 'extra')
)
FROM labeling_roundprogress WHERE round_id = %(round)s
"""


@dataclass(frozen=True, slots=True)
class LockedProgress:
    """The row, locked until the transaction ends; the cursor is where the last claim stood in the queue."""

    id: int
    cursor_rank: int | None
    cursor_task: int | None


def lock_progress(round_: Round, labeler_id: int) -> LockedProgress:
    """Within a transaction. Taken before any assignment or task: see the order of locks in `queue`."""
    who = {"round": round_.pk, "labeler": labeler_id}
    rows = fetch(_LOCK, who)
    if not rows:
        run(_TAKE, who)
        rows = fetch(_LOCK, who)
    return LockedProgress(*rows[0])


def count_submission(progress: LockedProgress, *, counts: bool, is_gold: bool) -> None:
    """The round counts submissions that fill a slot. Gold is counted apart."""
    run(_COUNT, {"filled": int(counts and not is_gold), "gold": int(counts and is_gold), "progress": progress.id})


def midnight(at: datetime | None = None) -> datetime:
    """When the day began, in the time zone of the site."""
    return timezone.localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)


@dataclass(frozen=True, slots=True)
class HandedIn:
    """How much stands handed in, gold and late submissions too, and how much of it since midnight."""

    total: int = 0
    today: int = 0


def handed_in_by(assignments: QuerySet[Assignment], group: str, at: datetime | None = None) -> dict[int, HandedIn]:
    """By `round` or `labeler`, in one query: so that what was handed in today is always a part of the whole."""
    today = Count("id", filter=Q(submitted_at__gte=midnight(at)))
    submitted = assignments.filter(state__in=Assignment.SUBMITTED, submitted_at__isnull=False).order_by()
    rows = submitted.values_list(group).annotate(total=Count("id"), today=today)
    return {pk: HandedIn(total, day) for pk, total, day in rows}


def progress_for(round_: Round, labeler: User, at: datetime | None = None) -> dict[str, int]:
    """How far the round is, as this labeler is told it: of the submissions that it needs, and theirs of today.

    Their own gold counts as done. If it did not, the count would stand still after a submission, and so
    tell which of the tasks were gold.
    """
    ((done, mine),) = fetch(_PROGRESS, {"round": round_.pk, "labeler": labeler.pk, "midnight": midnight(at)})
    if round_.is_screening and not round_.origin:
        # A screening is everybody's own: it has no slots to fill.
        done = Assignment.objects.submitted().filter(round=round_, labeler=labeler).count()
        return {"done": done, "total": round_.task_count, "today": mine}
    return {"done": min(done, round_.slot_count), "total": round_.slot_count, "today": mine}
