"""Serving tasks: a claim leases one task, and its cost does not grow with the number of tasks.

The lock on the labeler's progress row makes their claims wait for each other, so that two tabs get the same task. The
row's cursor is the queue position of the labeler's last claim: the next claim starts behind it, and from the beginning
only when nothing is left there. Locks are always taken in the order progress, assignment, task.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from apps.accounts.models import User
from apps.core.db.prepared import Prepared, fetch
from apps.labeling.models import Assignment, Reservation, Round, Task
from apps.labeling.progress import LockedProgress, lock_progress
from apps.labeling.protocols import PROTOCOLS
from apps.labeling.queue import statements
from apps.labeling.queue.eligibility import NoTask, ineligible_reason
from apps.labeling.queue.leases import expire_leases, extend_leases, lease_end
from apps.labeling.queue.reserved_slots import drop_reservations
from apps.labeling.rounds.completion import hiding_from_labelers

__all__ = ["NoTask", "claim"]

# The task that is being worked on, and the next one, which the page fetches in advance.
HELD_AT_ONCE = 2
FIRST_RANK = -(2**31)
RESERVED = "reserved"  # As `statements.UNFINISHED` names a waiting reservation.
_SYSTEM_DICE = random.SystemRandom()
_WITH_PROBLEM = Prepared(lambda pk: Assignment.objects.with_problem().filter(pk=pk), "pk")

_STATUS_TEXT: dict[str, str] = {
    Round.Status.DRAFT: "not open yet",
    Round.Status.PAUSED: "paused: a manager can reopen it",
    Round.Status.CLOSED: "closed",
}


@dataclass(frozen=True, slots=True)
class ClaimRequest:
    """All that a claim source needs: `values` are the parameters of its statement."""

    round: Round
    progress: LockedProgress
    unfinished_states: frozenset[str]
    gold_first: bool
    values: dict[str, Any]

    def fetch_id(self, statement: str, **values: Any) -> int | None:
        """The assignment that the statement leases; None if it finds no task."""
        rows = fetch(statement, self.values | values)
        return int(rows[0][0]) if rows else None


def claim_reserved(request: ClaimRequest) -> int | None:
    """What a manager has assigned to the labeler. What they may not have after all is given back to the queue."""
    if RESERVED not in request.unfinished_states:
        return None
    rows = fetch(statements.NEXT_RESERVED, request.values)
    if rows:
        return request.fetch_id(statements.LEASE_RESERVED, reservation=rows[0][0])
    drop_reservations(Reservation.objects.filter(round=request.round, labeler=request.values["labeler"]))
    return None


def claim_returned(request: ClaimRequest) -> int | None:
    """What a reviewer has returned."""
    is_returned = Assignment.State.RETURNED in request.unfinished_states
    return request.fetch_id(statements.RESUME_RETURNED) if is_returned else None


def claim_lapsed(request: ClaimRequest) -> int | None:
    """What the labeler had begun to rate when the lease expired."""
    is_lapsed = Assignment.State.EXPIRED in request.unfinished_states
    return request.fetch_id(statements.RESUME_EXPIRED) if is_lapsed else None


def claim_gold(request: ClaimRequest) -> int | None:
    if not request.gold_first:
        return None
    progress = request.progress
    rank, after = (FIRST_RANK, 0) if progress.cursor_task is None else (progress.cursor_rank, progress.cursor_task)
    only_gold = serves_only_gold(request.round)
    return request.fetch_id(statements.LEASE_GOLD, gold=True, only_gold=only_gold, rank=rank, after=after)


def claim_queued(request: ClaimRequest) -> int | None:
    """The next task behind the cursor, else the first of the queue, once lapsed leases have freed their slots."""
    progress = request.progress
    if progress.cursor_task is not None:
        leased = request.fetch_id(statements.LEASE_NEXT, rank=progress.cursor_rank, after=progress.cursor_task)
        if leased is not None:
            return leased
    expire_leases(now=request.values["now"], round_id=request.round.pk)
    return request.fetch_id(statements.LEASE_NEXT, rank=FIRST_RANK, after=0)


def claim_skipped(request: ClaimRequest) -> int | None:
    return request.fetch_id(statements.RESUME_SKIPPED)


# In this order; the first source that has a task is used.
SOURCES: Sequence[Callable[[ClaimRequest], int | None]] = (
    claim_reserved,
    claim_returned,
    claim_lapsed,
    claim_gold,
    claim_queued,
    claim_skipped,
)


@transaction.atomic
def claim(
    *,
    round: Round,  # noqa: A002
    labeler: User,
    holding: Sequence[int] = (),
    now: datetime | None = None,
    dice: random.Random | None = None,
) -> Assignment | NoTask:
    """The labeler's open assignment that is not in `holding`, else a newly leased one, else why there is none.

    A claim renews all leases that the labeler holds, since it shows that they are at work. `dice` decide whether the
    task is gold, and which side of a comparison is shown on the left.
    """
    now, dice = now or timezone.now(), dice or _SYSTEM_DICE
    progress, until = lock_progress(round, labeler.pk), lease_end(round, now)
    unfinished = fetch(statements.UNFINISHED, {"round": round.pk, "labeler": labeler.pk})
    leased = [pk for pk, state in unfinished if state == Assignment.State.LEASED]
    if leased:
        extend_leases(leased, until=until)
    for pk in leased:
        if pk not in holding:
            # The page that asks has just been loaded, with the guidelines that are the round's now.
            Assignment.objects.filter(pk=pk).exclude(guideline=round.guideline_id).update(guideline=round.guideline_id)
            return _load(pk, round)
    reason = why_no_new_task(round, labeler, leased)
    if reason is not None:
        return reason
    gold_first = dice.random() < round.gold_share
    values = admission(round, labeler, holding) | {
        "progress": progress.id,
        "now": now,
        "until": until,
        "guideline": round.guideline_id,
        "gold": False,
        "place": dice.random(),
        "swapped": PROTOCOLS[round.protocol].of == "comparison" and dice.random() < 0.5,
    }
    states = frozenset(state for _, state in unfinished)
    request = ClaimRequest(round, progress, states, gold_first, values)
    for source in SOURCES:
        assignment_id = source(request)
        if assignment_id is not None:
            return _load(assignment_id, round)
    return why_nothing_left(round, labeler)


def serves_only_gold(round_: Round) -> bool:
    return round_.is_all_gold or round_.gold_share >= 1


def has_task(round_: Round, labeler: User) -> bool:
    """Whether a claim by a labeler whom the rules admit would find a task."""
    values = admission(round_, labeler) | {"only_gold": serves_only_gold(round_)}
    return bool(fetch(statements.HAS_TASK, values)[0][0])


def admission(round_: Round, labeler: User, holding: Sequence[int] = ()) -> dict[str, Any]:
    """What decides which tasks the labeler may have, as parameters of the statements."""
    return {
        "round": round_.pk,
        "labeler": labeler.pk,
        "holding": list(holding),
        "fresh_eyes": round_.fresh_eyes,
        "hiding": _hiding_ids(round_),
        "training": round_.is_training,
    }


def _hiding_ids(round_: Round) -> list[int]:
    """The rounds whose solutions this one, in verify mode, does not serve."""
    if round_.mode != Round.Mode.VERIFY:
        return []
    return list(hiding_from_labelers(round_.project_id).order_by().values_list("pk", flat=True))


def _load(pk: int, round_: Round) -> Assignment:
    if PROTOCOLS[round_.protocol].of == "comparison":
        assignment: Assignment | None = Assignment.objects.with_sides().get(pk=pk)
    else:
        assignment = _WITH_PROBLEM.first(pk=pk)
    assert assignment is not None
    assignment.round = round_
    return assignment


def why_no_new_task(round_: Round, labeler: User, leased: Sequence[int]) -> NoTask | None:
    if round_.status != Round.Status.OPEN:
        return NoTask(f"round_{round_.status}", f"This round is {_STATUS_TEXT[round_.status]}.")
    reason = ineligible_reason(round_, labeler)
    if reason is None and len(leased) >= HELD_AT_ONCE:
        return NoTask("holding_enough", f"You hold {len(leased)} tasks already. Finish one of them first.")
    return reason


def why_nothing_left(round_: Round, labeler: User) -> NoTask:
    if round_.is_all_gold:
        return NoTask("all_done", f"You have done all tasks of this {round_.kind} round.")
    if Task.objects.filter(round=round_, open_slots__gt=0, is_gold=False).exists():
        return NoTask("done_by_you", "You have done all that you can do here. The remaining tasks need other people.")
    leases = Assignment.objects.filter(round=round_, state=Assignment.State.LEASED).exclude(labeler=labeler)
    until = leases.aggregate(first=Min("leased_until"))["first"]
    if until is None and Reservation.objects.waiting().filter(round=round_).exists():
        return NoTask("all_assigned", "The remaining tasks are assigned to other people.")
    if until is not None:
        clock = timezone.localtime(until)
        return NoTask(
            "all_leased", f"Others are working on all remaining tasks. Check again at {clock:%H:%M} ({clock:%Z})."
        )
    return NoTask("all_done", "All tasks of this round are done. Thank you.")
