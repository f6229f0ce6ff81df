"""Handing out: one statement claims a task, and its cost does not grow with their number.

A seat's row lock makes a labeler's claims wait for each other, so that two tabs get one task. The
cursor in the seat is where the labeler's last claim stood in the queue's order; the next looks
behind it first, and from the start only when nothing is left there. Locks are always taken in the
order seat, assignment, task.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Min
from django.utils import timezone

from apps.accounts.models import User
from apps.core import leases
from apps.core.errors import Conflict
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.seats import LockedSeat, lock_seat

# The one that is being worked on, and the next one, fetched while it is read.
HELD_AT_ONCE = 2
FIRST_RANK = -(2**31)
_DICE = random.SystemRandom()

# As a scalar subquery with a limit it stays a look-up of one task. As NOT EXISTS, PostgreSQL may turn
# it into a join that reads all that the labeler ever did.
_HAD = """
        SELECT a.id FROM labeling_assignment a
        WHERE a.task_id = t.id AND a.labeler_id = %(labeler)s AND a.state IN ('leased', 'submitted', 'extra') LIMIT 1
"""

_TAKE = f"""
WITH next AS (
    SELECT t.id, t.priority FROM labeling_task t
    WHERE t.round_id = %(round)s AND t.open_slots > 0 AND NOT t.is_gold
      AND ((t.priority * -1), t.id) > (%(rank)s, %(after)s)
      AND ({_HAD}) IS NULL
    ORDER BY (t.priority * -1), t.id
    LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), moved AS (
    UPDATE labeling_seat s SET cursor_rank = next.priority * -1, cursor_task = next.id
    FROM next WHERE s.id = %(seat)s
)
"""

_TAKE_GOLD = f"""
WITH next AS (
    SELECT t.id, t.priority FROM labeling_task t
    WHERE t.round_id = %(round)s AND t.open_slots > 0 AND t.is_gold
      AND ({_HAD}) IS NULL
    ORDER BY hashint8(t.id * 31 + %(labeler)s)
    LIMIT 1 FOR UPDATE OF t SKIP LOCKED
)
"""

_LEASE = """
, taken AS (
    UPDATE labeling_task t SET open_slots = t.open_slots - 1 FROM next WHERE t.id = next.id RETURNING t.id
)
INSERT INTO labeling_assignment
    (task_id, round_id, labeler_id, state, leased_at, leased_until, draft_version, finish_reason, reason, guideline_id,
     is_quality_control, sides_swapped)
SELECT id, %(round)s, %(labeler)s, 'leased', %(now)s, %(until)s, 0, '', '', %(guideline)s, %(gold)s, %(swapped)s
FROM taken
RETURNING id
"""

_BEGUN = """
SELECT id, state FROM labeling_assignment
WHERE labeler_id = %(labeler)s AND round_id = %(round)s
  AND (state = 'leased' OR state = 'expired' AND draft_version > 0)
ORDER BY id
"""

# A turn whose lease ran out with ratings in its draft goes on before anything new is begun.
_TAKE_UP_AGAIN = (
    """
WITH mine AS (
    SELECT a.id, a.task_id FROM labeling_assignment a
    WHERE a.labeler_id = %(labeler)s AND a.round_id = %(round)s AND a.state = 'expired' AND a.draft_version > 0
    ORDER BY a.id DESC
), next AS (
    SELECT t.id, mine.id AS turn FROM mine JOIN labeling_task t ON t.id = mine.task_id
    WHERE t.open_slots > 0 AND ("""
    + _HAD
    + """) IS NULL
    ORDER BY mine.id DESC
    LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), taken AS (
    UPDATE labeling_task t SET open_slots = t.open_slots - 1 FROM next WHERE t.id = next.id
)
UPDATE labeling_assignment a SET state = 'leased', leased_at = %(now)s, leased_until = %(until)s
FROM next WHERE a.id = next.turn RETURNING a.id
"""
)

_RETURN_LAPSED = """
WITH lapsed AS (
    UPDATE labeling_assignment SET state = 'expired'
    WHERE id IN (
        SELECT id FROM labeling_assignment
        WHERE state = 'leased' AND leased_until <= %(now)s AND (%(round)s::bigint IS NULL OR round_id = %(round)s)
        ORDER BY id LIMIT 10000 FOR UPDATE SKIP LOCKED)
    RETURNING task_id
), freed AS (SELECT task_id, count(*) AS slots FROM lapsed GROUP BY task_id)
UPDATE labeling_task t SET open_slots = t.open_slots + freed.slots FROM freed WHERE t.id = freed.task_id
"""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Why there is no task: a stable code, and a sentence for the labeler."""

    code: str
    message: str


@transaction.atomic
def claim(
    *, round: Round, labeler: User, holding: Sequence[int] = (), now: datetime | None = None,  # noqa: A002
    dice: random.Random | None = None,
) -> Assignment | Nothing:  # fmt: skip
    """The labeler's own open task that is not in `holding`, else a new one, else why not.

    The dice decide whether it is a task with known labels, and which side of a comparison is shown on the left.
    """
    now, dice = now or timezone.now(), dice or _DICE
    seat = lock_seat(round, labeler.pk)
    begun = _begun(round, labeler)
    held = [pk for pk, state in begun if state == Assignment.State.LEASED]
    mine = next((pk for pk in held if pk not in set(holding)), None)
    if mine is not None:
        _renew(mine, round, now)
        return _turn(mine, round)
    if round.status != Round.Status.OPEN:
        return Nothing(f"round_{round.status}", f"This round is {round.get_status_display()}.")
    if len(held) >= HELD_AT_ONCE:
        return Nothing("holding_enough", "You have tasks in hand; finish one of them first.")
    values = {
        "round": round.pk,
        "labeler": labeler.pk,
        "seat": seat.id,
        "now": now,
        "until": leases.until(now=now, minutes=round.lease_minutes),
        "guideline": round.guideline_id,
        "gold": False,
        "swapped": PROTOCOLS[round.protocol].of == "comparison" and dice.random() < 0.5,
    }
    taken = _fetch_id(_TAKE_UP_AGAIN, values) if len(begun) > len(held) else None
    taken = taken or _take(round, seat, values, gold_first=dice.random() < round.gold_share)
    return _turn(taken, round) if taken is not None else _why_nothing(round, labeler)


def _begun(round_: Round, labeler: User) -> list[tuple[int, str]]:
    """The labeler's leases, and what has lapsed with ratings in its draft."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGUN, {"round": round_.pk, "labeler": labeler.pk})
        return list(cursor.fetchall())


def _turn(pk: int, round_: Round) -> Assignment:
    turns = Assignment.objects
    turn = (turns.with_sides() if PROTOCOLS[round_.protocol].of == "comparison" else turns.with_problem()).get(pk=pk)
    turn.round = round_
    return turn


def _take(round_: Round, seat: LockedSeat, values: dict[str, Any], *, gold_first: bool) -> int | None:
    """Lease the next task; its assignment's id, or None when nothing is left for this labeler."""
    if gold_first and (found := _lease(_TAKE_GOLD, values | {"gold": True})):
        return found
    if seat.cursor_task is not None:
        found = _lease(_TAKE, values | {"rank": seat.cursor_rank, "after": seat.cursor_task})
        if found:
            return found
    return_lapsed(now=values["now"], round_id=round_.pk)
    return _lease(_TAKE, values | {"rank": FIRST_RANK, "after": 0})


def _lease(choose: str, values: dict[str, Any]) -> int | None:
    return _fetch_id(choose + _LEASE, values)


def _fetch_id(statement: str, values: dict[str, Any]) -> int | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        row = cursor.fetchone()
    return int(row[0]) if row else None


def _why_nothing(round_: Round, labeler: User) -> Nothing:
    waiting = Task.objects.filter(round=round_, open_slots__gt=0, is_gold=False)
    if waiting.exists():
        return Nothing("done_by_you", "You have done all that is left here; the rest waits for other people.")
    leased = Assignment.objects.filter(round=round_, state=Assignment.State.LEASED)
    until = leased.exclude(labeler=labeler).aggregate(first=Min("leased_until"))["first"]
    if until is not None:
        clock = timezone.localtime(until)
        return Nothing("all_leased", f"All that is left is being worked on; look again at {clock:%H:%M} ({clock:%Z}).")
    return Nothing("all_done", "All tasks of this round are done. Thank you.")


def renew(*, assignment: Assignment, now: datetime | None = None) -> Assignment:
    """Push the lease's end out. Raises Conflict when the lease has ended."""
    now = now or timezone.now()
    if not _renew(assignment.pk, assignment.round, now):
        raise Conflict("This lease has ended; what you submit is still taken.", code="lease_ended")
    assignment.refresh_from_db()
    return assignment


def _renew(pk: int, round_: Round, now: datetime) -> int:
    until = leases.until(now=now, minutes=round_.lease_minutes)
    return Assignment.objects.filter(pk=pk, state=Assignment.State.LEASED).update(leased_until=until)


@transaction.atomic
def release(*, assignment: Assignment) -> None:
    """Give the task back. The draft is kept on the ended assignment; doing it twice is once."""
    ended = Assignment.objects.filter(pk=assignment.pk, state=Assignment.State.LEASED).update(
        state=Assignment.State.RELEASED
    )
    if ended:
        Task.objects.filter(pk=assignment.task_id).update(open_slots=F("open_slots") + 1)


@transaction.atomic
def return_lapsed(*, now: datetime | None = None, round_id: int | None = None) -> int:
    """End the leases that have run out and open their slots again; gives the number of tasks freed."""
    with connection.cursor() as cursor:
        cursor.execute(_RETURN_LAPSED, {"now": now or timezone.now(), "round": round_id})
        return int(cursor.rowcount)
