"""Handing out: one statement claims a task, and its cost does not grow with their number.

A seat's row lock makes a labeler's claims wait for each other, so that two tabs get one task. The
cursor in the seat is where the labeler's last claim stood in the queue's order; the next looks
behind it first, and from the start only when nothing is left there. Locks are always taken in the
order seat, assignment, task.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from apps.accounts.models import User
from apps.core.db.prepared import Prepared, fetch, run
from apps.core.errors import Conflict
from apps.labeling.assignments.returns import take_returned
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.progress import LockedProgress, lock_progress
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.queue.eligibility import NoTask, refusal

__all__ = ["NoTask", "claim", "release", "renew", "return_lapsed", "skip"]

# The one that is being worked on, and the next one, fetched while it is read.
HELD_AT_ONCE = 2
FIRST_RANK = -(2**31)
_DICE = random.SystemRandom()

# As a scalar subquery with a limit it stays a look-up of one task. As NOT EXISTS, PostgreSQL may turn
# it into a join that reads all that the labeler ever did.
_HAD = """
        SELECT a.id FROM labeling_assignment a
        WHERE a.task_id = t.id AND a.labeler_id = %(labeler)s
          AND (a.state IN ('leased', 'submitted', 'extra', 'returned') OR a.id = ANY(%(holding)s::bigint[])) LIMIT 1
"""

# A task that the labeler has put off is not given to them as a new one: it waits until nothing else is left.
_HAD_OR_PUT_OFF = _HAD.replace("'returned'", "'returned', 'skipped'")

# Any turn at it but one of an earlier try: also what they gave back and what lapsed.
_HAD_EVER = _HAD.replace("'returned'", "'returned', 'skipped', 'released', 'expired'")

_TAKE = f"""
WITH next AS (
    SELECT t.id, t.priority FROM labeling_task t
    WHERE t.round_id = %(round)s AND t.open_slots > 0 AND NOT t.is_gold
      AND ((t.priority * -1), t.id) > (%(rank)s, %(after)s)
      AND ({_HAD_OR_PUT_OFF}) IS NULL
    ORDER BY (t.priority * -1), t.id
    LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), moved AS (
    UPDATE labeling_roundprogress s SET cursor_rank = next.priority * -1, cursor_task = next.id
    FROM next WHERE s.id = %(progress)s
)
"""

# From a place that the dice choose, then round from the start: a look-up or two, however much gold there is, and
# everybody meets it in another order. Gold is given only where the labeler could have got another new task as well:
# a task that comes after "nothing is left" could be nothing but gold.
_NEW_GOLD = f"""
    SELECT t.id, t.priority FROM labeling_task t
    WHERE t.round_id = %(round)s AND t.open_slots > 0 AND t.is_gold
      AND ({_HAD_EVER}) IS NULL
"""

_NEW_AHEAD = f"""
    SELECT t.id FROM labeling_task t
    WHERE t.round_id = %(round)s AND t.open_slots > 0 AND NOT t.is_gold
      AND ((t.priority * -1), t.id) > (%(rank)s, %(after)s)
      AND ({_HAD_EVER}) IS NULL
    ORDER BY (t.priority * -1), t.id LIMIT 1
"""

# What the labeler gave back or let lapse comes again after everything else that they could get, as it does with
# ordinary tasks, which the cursor has passed: one that came again before its turn could be nothing but gold. So it
# waits until every ordinary task that they could get was with them after it. The last turn tells when that was.
_GOLD_AGAIN = f"""
    SELECT t.id, t.priority FROM (
        SELECT a.task_id, max(a.id) AS turn FROM labeling_assignment a
        WHERE a.labeler_id = %(labeler)s AND a.round_id = %(round)s AND a.submitted_at IS NULL
          AND a.state IN ('released', 'expired')
        GROUP BY a.task_id
    ) last JOIN labeling_task t ON t.id = last.task_id
    WHERE t.is_gold AND t.open_slots > 0 AND ({_HAD_OR_PUT_OFF}) IS NULL
      AND (%(only_gold)s OR (({_NEW_AHEAD}) IS NULL AND (
        SELECT coalesce(min(turn), 0) FROM (
            SELECT coalesce((
                SELECT max(b.id) FROM labeling_assignment b WHERE b.task_id = t.id AND b.labeler_id = %(labeler)s
            ), 0) AS turn
            FROM labeling_task t
            WHERE t.round_id = %(round)s AND t.open_slots > 0 AND NOT t.is_gold AND ({_HAD_OR_PUT_OFF}) IS NULL
        ) ordinary
      ) > last.turn))
    ORDER BY last.turn LIMIT 1 FOR UPDATE OF t SKIP LOCKED
"""

_TAKE_GOLD = f"""
WITH ends AS (
    SELECT min(id) AS first, max(id) AS last FROM labeling_task WHERE round_id = %(round)s AND is_gold
), start AS (
    SELECT first + ((last - first) * %(place)s::float8)::bigint AS id FROM ends
    WHERE %(only_gold)s OR ({_NEW_AHEAD}) IS NOT NULL
), behind AS MATERIALIZED (
    {_NEW_GOLD} AND t.id >= (SELECT id FROM start) ORDER BY t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), before AS MATERIALIZED (
    {_NEW_GOLD} AND t.id < (SELECT id FROM start) AND NOT EXISTS (SELECT FROM behind)
    ORDER BY t.id LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), again AS MATERIALIZED (
    SELECT * FROM ({_GOLD_AGAIN}) last
    WHERE NOT EXISTS (SELECT FROM behind) AND NOT EXISTS (SELECT FROM before)
), next AS (
    SELECT * FROM behind UNION ALL SELECT * FROM before UNION ALL SELECT * FROM again
)
"""

_LEASE = """
, taken AS (
    UPDATE labeling_task t SET open_slots = t.open_slots - 1 FROM next WHERE t.id = next.id RETURNING t.id
)
INSERT INTO labeling_assignment
    (task_id, round_id, labeler_id, state, leased_at, leased_until, draft_version, finish_reason, reason, guideline_id,
     is_quality_control, sides_swapped)
SELECT id, %(round)s, %(labeler)s, 'leased', %(now)s, %(until)s, 0, '', '', %(guideline)s::bigint, %(gold)s, %(swapped)s
FROM taken
RETURNING id
"""

_BEGUN = """
SELECT id, state FROM labeling_assignment
WHERE labeler_id = %(labeler)s AND round_id = %(round)s
  AND (state = 'leased' OR state = 'returned' OR state = 'expired' AND draft_version > 0)
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

# What the labeler has put off longest, with its draft, once nothing else is left for them.
_TAKE_PUT_OFF = (
    """
WITH next AS (
    SELECT t.id, a.id AS turn FROM labeling_assignment a JOIN labeling_task t ON t.id = a.task_id
    WHERE a.labeler_id = %(labeler)s AND a.round_id = %(round)s AND a.state = 'skipped'
      AND t.open_slots > 0 AND ("""
    + _HAD
    + """) IS NULL
    ORDER BY a.leased_until, a.id
    LIMIT 1 FOR UPDATE OF t SKIP LOCKED
), taken AS (
    UPDATE labeling_task t SET open_slots = t.open_slots - 1 FROM next WHERE t.id = next.id
)
UPDATE labeling_assignment a SET state = 'leased', leased_at = %(now)s, leased_until = %(until)s
FROM next WHERE a.id = next.turn RETURNING a.id
"""
)

# As `TaskQuerySet.add_slots`. Not in WHERE, so that it is asked of the row as it is once the lock is there.
_ADD_SLOTS = "open_slots = CASE WHEN t.withdrawn = '' THEN t.open_slots + {} ELSE 0 END"

# The tasks are locked in the order of their ids: two that free slots of the same tasks then cannot wait for each other.
_RETURN_LAPSED = f"""
WITH lapsed AS (
    UPDATE labeling_assignment SET state = 'expired'
    WHERE id IN (
        SELECT id FROM labeling_assignment
        WHERE state = 'leased' AND leased_until <= %(now)s AND (%(round)s::bigint IS NULL OR round_id = %(round)s)
        ORDER BY leased_until LIMIT 10000 FOR UPDATE SKIP LOCKED)
    RETURNING task_id
), freed AS (
    SELECT task_id, count(*) AS slots FROM lapsed GROUP BY task_id
), locked AS (
    SELECT t.id, freed.slots FROM labeling_task t JOIN freed ON t.id = freed.task_id ORDER BY t.id FOR UPDATE OF t
)
UPDATE labeling_task t SET {_ADD_SLOTS.format("locked.slots")}
FROM locked WHERE t.id = locked.id
"""

_RELEASE = f"""
WITH ended AS (
    UPDATE labeling_assignment SET state = 'released' WHERE id = %(turn)s AND state = 'leased' RETURNING task_id
)
UPDATE labeling_task t SET {_ADD_SLOTS.format(1)}
FROM ended WHERE t.id = ended.task_id
"""

_RENEW = """
UPDATE labeling_assignment SET leased_until = %(until)s WHERE id = ANY(%(turns)s::bigint[]) AND state = 'leased'
"""

_TURN = Prepared(lambda pk: Assignment.objects.with_problem().filter(pk=pk), "pk")


_STATUS_SAYS: dict[str, str] = {
    Round.Status.DRAFT: "not open yet",
    Round.Status.PAUSED: "paused: a manager opens it again",
    Round.Status.CLOSED: "closed",
}


@transaction.atomic
def claim(
    *,
    round: Round,  # noqa: A002
    labeler: User,
    holding: Sequence[int] = (),
    now: datetime | None = None,
    dice: random.Random | None = None,
) -> Assignment | NoTask:
    """The labeler's own open task that is not in `holding`, else a new one, else why not.

    Whoever claims is at work: all that they have in hand is renewed, or they could be given it once more.
    The dice decide whether it is a task with known labels, and which side of a comparison is shown on the left.
    """
    now, dice = now or timezone.now(), dice or _DICE
    progress = lock_progress(round, labeler.pk)
    begun = _begun(round, labeler)
    held = [pk for pk, state in begun if state == Assignment.State.LEASED]
    mine = next((pk for pk in held if pk not in set(holding)), None)
    if held:
        _renew(held, round, now)
    if mine is not None:
        return _turn(mine, round)
    if round.status != Round.Status.OPEN:
        return NoTask(f"round_{round.status}", f"This round is {_STATUS_SAYS[round.status]}.")
    if (refused := refusal(round, labeler)) is not None:
        return refused
    if len(held) >= HELD_AT_ONCE:
        return NoTask("holding_enough", "You have tasks in hand; finish one of them first.")
    gold_first, until = dice.random() < round.gold_share, now + timedelta(minutes=round.lease_minutes)
    values: dict[str, Any] = {
        "round": round.pk,
        "labeler": labeler.pk,
        "progress": progress.id,
        "now": now,
        "until": until,
        "guideline": round.guideline_id,
        "holding": list(holding),
        "gold": False,
        "place": dice.random(),
        "swapped": PROTOCOLS[round.protocol].of == "comparison" and dice.random() < 0.5,
    }
    # What a reviewer gave back comes before anything new, then what lapsed.
    is_returned = any(state == Assignment.State.RETURNED for _, state in begun)
    taken = take_returned(round, labeler.pk, now=now, until=until) if is_returned else None
    taken = taken or (_fetch_id(_TAKE_UP_AGAIN, values) if len(begun) > len(held) else None)
    taken = taken or _take(round, progress, values, gold_first=gold_first)
    return _turn(taken, round) if taken is not None else _why_nothing(round, labeler)


def _begun(round_: Round, labeler: User) -> list[tuple[int, str]]:
    """The labeler's leases, and what has lapsed with ratings in its draft."""
    return fetch(_BEGUN, {"round": round_.pk, "labeler": labeler.pk})


def _turn(pk: int, round_: Round) -> Assignment:
    if PROTOCOLS[round_.protocol].of == "comparison":
        assignment: Assignment | None = Assignment.objects.with_sides().get(pk=pk)
    else:
        assignment = _TURN.first(pk=pk)
    assert assignment is not None
    assignment.round = round_
    return assignment


def _take(round_: Round, progress: LockedProgress, values: dict[str, Any], *, gold_first: bool) -> int | None:
    """Lease the next task; its assignment's id, or None when nothing is left for this labeler."""
    if gold_first and (found := _take_gold(round_, progress, values)):
        return found
    if progress.cursor_task is not None:
        found = _lease(_TAKE, values | {"rank": progress.cursor_rank, "after": progress.cursor_task})
        if found:
            return found
    return_lapsed(now=values["now"], round_id=round_.pk)
    return _lease(_TAKE, values | {"rank": FIRST_RANK, "after": 0}) or _fetch_id(_TAKE_PUT_OFF, values)


def _take_gold(round_: Round, progress: LockedProgress, values: dict[str, Any]) -> int | None:
    rank, after = (FIRST_RANK, 0) if progress.cursor_task is None else (progress.cursor_rank, progress.cursor_task)
    only_gold = round_.is_screening or round_.gold_share >= 1
    return _lease(_TAKE_GOLD, values | {"gold": True, "only_gold": only_gold, "rank": rank, "after": after})


def _lease(choose: str, values: dict[str, Any]) -> int | None:
    return _fetch_id(choose + _LEASE, values)


def _fetch_id(statement: str, values: dict[str, Any]) -> int | None:
    rows = fetch(statement, values)
    return int(rows[0][0]) if rows else None


def _why_nothing(round_: Round, labeler: User) -> NoTask:
    if round_.is_screening:
        return NoTask("all_done", "You have done all tasks of this screening.")
    waiting = Task.objects.filter(round=round_, open_slots__gt=0, is_gold=False)
    if waiting.exists():
        return NoTask("done_by_you", "You have done all that is left here; the rest waits for other people.")
    leased = Assignment.objects.filter(round=round_, state=Assignment.State.LEASED)
    until = leased.exclude(labeler=labeler).aggregate(first=Min("leased_until"))["first"]
    if until is not None:
        clock = timezone.localtime(until)
        return NoTask("all_leased", f"All that is left is being worked on; look again at {clock:%H:%M} ({clock:%Z}).")
    return NoTask("all_done", "All tasks of this round are done. Thank you.")


def renew(*, assignment: Assignment, now: datetime | None = None) -> Assignment:
    """Push the lease's end out. Raises Conflict when the lease has ended."""
    now = now or timezone.now()
    if not _renew([assignment.pk], assignment.round, now):
        raise Conflict("This lease has ended; what you submit is still taken.", code="lease_ended")
    assignment.refresh_from_db()
    return assignment


def _renew(assignments: list[int], round_: Round, now: datetime) -> int:
    until = now + timedelta(minutes=round_.lease_minutes)
    return run(_RENEW, {"turns": assignments, "until": until})


@transaction.atomic
def release(*, assignment: Assignment) -> None:
    """Give the task back. The draft is kept on the ended assignment; doing it twice is once."""
    run(_RELEASE, {"turn": assignment.pk})


@transaction.atomic
def skip(*, assignment: Assignment, reason: str = "", now: datetime | None = None) -> None:
    """Put the task at the end of the labeler's own queue: others may have it, and the draft is kept.

    For a turn that is put off, `leased_until` tells since when. Doing it twice is once; raises Conflict
    when the task has been handed in.
    """
    skipped = Assignment.objects.filter(pk=assignment.pk, state=Assignment.State.LEASED).update(
        state=Assignment.State.SKIPPED, reason=reason.strip(), leased_until=now or timezone.now()
    )
    if skipped:
        Task.objects.filter(pk=assignment.task_id).add_slots(1)
        return
    assignment.refresh_from_db(fields=["state"])
    if assignment.is_submitted:
        raise Conflict("This task has been submitted.", code="already_submitted")
    # A lease that has run out in the meantime is put off as well, or it would come back first.
    Assignment.objects.filter(pk=assignment.pk, state=Assignment.State.EXPIRED).update(
        state=Assignment.State.SKIPPED, reason=reason.strip(), leased_until=now or timezone.now()
    )


@transaction.atomic
def return_lapsed(*, now: datetime | None = None, round_id: int | None = None) -> int:
    """End the leases that have run out and open their slots again; gives the number of tasks freed."""
    return run(_RETURN_LAPSED, {"now": now or timezone.now(), "round": round_id})
