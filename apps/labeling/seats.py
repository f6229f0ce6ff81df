"""A labeler's seat in a round: locked while they claim or hand in, and the counts that pages show.

In SQL, as each claim and each submission comes by here, and making the same query anew from Python
costs several times what PostgreSQL needs for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection
from django.utils import timezone

from apps.accounts.models import User
from apps.labeling.models import Assignment, Round

_LOCK = """
SELECT id, cursor_rank, cursor_task FROM labeling_seat
WHERE round_id = %(round)s AND labeler_id = %(labeler)s FOR UPDATE
"""

_TAKE = """
INSERT INTO labeling_seat (round_id, labeler_id, submitted, submitted_today)
VALUES (%(round)s, %(labeler)s, 0, 0) ON CONFLICT DO NOTHING
"""

_COUNT = """
UPDATE labeling_seat SET
    submitted = submitted + %(counted)s,
    submitted_today = CASE WHEN today = %(today)s THEN submitted_today + 1 ELSE 1 END,
    today = %(today)s
WHERE id = %(seat)s
"""

_PROGRESS = """
SELECT coalesce(sum(submitted), 0),
       coalesce(sum(submitted_today) FILTER (WHERE labeler_id = %(labeler)s AND today = %(today)s), 0)
FROM labeling_seat WHERE round_id = %(round)s
"""


@dataclass(frozen=True, slots=True)
class LockedSeat:
    """The row, locked until the transaction ends; the cursor is where the last claim stood in the queue."""

    id: int
    cursor_rank: int | None
    cursor_task: int | None


def lock_seat(round_: Round, labeler_id: int) -> LockedSeat:
    """Within a transaction. Taken before any assignment or task: see the order of locks in `queue`."""
    who = {"round": round_.pk, "labeler": labeler_id}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, who)
        row = cursor.fetchone()
        if row is None:
            cursor.execute(_TAKE, who)
            cursor.execute(_LOCK, who)
            row = cursor.fetchone()
    return LockedSeat(*row)


def count_submission(seat: LockedSeat, *, fills_slot: bool, now: datetime) -> None:
    """The labeler's day counts every submission, the round only those that fill a slot."""
    today = timezone.localdate(now)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, {"seat": seat.id, "counted": int(fills_slot), "today": today})


def progress(round_: Round, labeler: User, at: datetime | None = None) -> dict[str, int]:
    """Counted submissions of the round, those it needs, and what the labeler handed in today."""
    today: date = timezone.localdate(at)
    with connection.cursor() as cursor:
        cursor.execute(_PROGRESS, {"round": round_.pk, "labeler": labeler.pk, "today": today})
        done, mine = cursor.fetchone()
    if round_.is_screening and not round_.origin:
        # A screening is everybody's own: it has no slots to fill.
        done = Assignment.objects.spoken().filter(round=round_, labeler=labeler).count()
        return {"done": done, "total": round_.task_count, "today": mine}
    return {"done": done, "total": round_.slot_count, "today": mine}
