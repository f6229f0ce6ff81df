"""A labeler's seat in a round: locked while they claim or hand in, and the counts that pages show.

In SQL, as each claim and each submission comes by here, and making the same query anew from Python
costs several times what PostgreSQL needs for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from apps.accounts.models import User
from apps.core.prepared import fetch, run
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
    submitted = submitted + %(filled)s,
    gold = gold + %(gold)s,
    submitted_today = CASE WHEN today = %(today)s THEN submitted_today + 1 ELSE 1 END,
    today = %(today)s
WHERE id = %(seat)s
"""

_PROGRESS = """
SELECT coalesce(sum(submitted), 0) + coalesce(sum(gold) FILTER (WHERE labeler_id = %(labeler)s), 0),
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
    rows = fetch(_LOCK, who)
    if not rows:
        run(_TAKE, who)
        rows = fetch(_LOCK, who)
    return LockedSeat(*rows[0])


def count_submission(seat: LockedSeat, *, counts: bool, is_gold: bool, now: datetime) -> None:
    """The labeler's day counts every submission, the round only those that fill a slot. Gold is counted apart."""
    values = {"filled": int(counts and not is_gold), "gold": int(counts and is_gold)}
    run(_COUNT, values | {"seat": seat.id, "today": timezone.localdate(now)})


def progress(round_: Round, labeler: User, at: datetime | None = None) -> dict[str, int]:
    """How far the round is, as this labeler is told it: of the submissions that it needs, and theirs of today.

    Their own gold counts as done. If it did not, the count would stand still after a submission, and so
    tell which of the tasks were gold.
    """
    today: date = timezone.localdate(at)
    ((done, mine),) = fetch(_PROGRESS, {"round": round_.pk, "labeler": labeler.pk, "today": today})
    if round_.is_screening and not round_.origin:
        # A screening is everybody's own: it has no slots to fill.
        done = Assignment.objects.spoken().filter(round=round_, labeler=labeler).count()
        return {"done": done, "total": round_.task_count, "today": mine}
    return {"done": min(done, round_.slot_count), "total": round_.slot_count, "today": mine}
