"""Leases: renewed while the labeler works; ended by releasing, skipping or expiring, which frees the slot."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.core.db.prepared import run
from apps.core.errors import Conflict
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.queue import statements


def lease_end(round_: Round, now: datetime) -> datetime:
    return now + timedelta(minutes=round_.lease_minutes)


def renew(*, assignment: Assignment, now: datetime | None = None) -> Assignment:
    """Extend the lease. Raises Conflict if it has ended."""
    if not extend_leases([assignment.pk], until=lease_end(assignment.round, now or timezone.now())):
        raise Conflict(
            "This lease has ended. You can still submit the task.",
            code="lease_ended",
        )
    assignment.refresh_from_db()
    return assignment


def extend_leases(assignment_ids: list[int], *, until: datetime) -> int:
    """Returns the number of leases that were still running."""
    return run(statements.RENEW, {"assignments": assignment_ids, "until": until})


@transaction.atomic
def release(*, assignment: Assignment) -> None:
    """End the lease and free the slot; the draft is kept. A second call changes nothing."""
    run(statements.RELEASE, {"assignment": assignment.pk})


@transaction.atomic
def skip(*, assignment: Assignment, reason: str = "", now: datetime | None = None) -> None:
    """Move the task to the end of the labeler's own queue: others may take it, and the draft is kept.

    The time of the skip is stored in `leased_until`. A second call changes nothing. Raises Conflict if the task has
    been submitted.
    """
    skipped = {
        "state": Assignment.State.SKIPPED,
        "reason": reason.strip(),
        "leased_until": now or timezone.now(),
    }
    own = Assignment.objects.filter(pk=assignment.pk)
    if own.filter(state=Assignment.State.LEASED).update(**skipped):
        Task.objects.filter(pk=assignment.task_id).add_slots(1)
        return
    assignment.refresh_from_db(fields=["state"])
    if assignment.is_submitted:
        raise Conflict("This task has been submitted.", code="already_submitted")
    # An expired lease becomes a skip as well; otherwise the task would be served again first.
    own.filter(state=Assignment.State.EXPIRED).update(**skipped)


@transaction.atomic
def expire_leases(*, now: datetime | None = None, round_id: int | None = None) -> int:
    """End the leases that have run out and free their slots. Returns the number of tasks with freed slots."""
    return run(statements.EXPIRE, {"now": now or timezone.now(), "round": round_id})
