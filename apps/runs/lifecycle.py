"""The life of a sharded run, of whatever kind: pause, resume, cancel, begin and end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

import msgspec
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.locks import advisory_xact_lock
from apps.core.errors import Conflict
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import drop, wake_on_commit
from apps.inference.grants import check_usable
from apps.projects.models import Project
from apps.runs.endpoint import ENDPOINT_GONE
from apps.runs.models import ShardedRun
from apps.runs.notices import add_notices
from apps.runs.parameters import checked
from apps.runs.status import LIVE

R = TypeVar("R", bound=ShardedRun)


@dataclass(frozen=True, slots=True)
class Conclusion:
    """How a run that has processed all its items ends."""

    status: JobStatus
    error: str = ""
    notices: tuple[str, ...] = ()


def next_number(kind: type[ShardedRun], project: Project) -> int:
    """The next run number. Locked until the end of the transaction, so that no other run gets the same."""
    advisory_xact_lock(f"{kind.verb} run", project.pk)
    return (kind.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0) + 1


def locked(run: R) -> R:
    """The stored run, locked until the end of the transaction."""
    return type(run).objects.select_for_update(of=("self",)).get(pk=run.pk)


def record(actor: User | None, act: str, run: ShardedRun) -> None:
    record_event(actor=actor, verb=f"{run.verb}.{act}", target=str(run), project=run.project.slug)


@transaction.atomic
def pause(run: R, *, actor: User | None = None, reason: str = "") -> R:
    """Pause a live run: requests in flight are completed and stored. `reason` is set if no user paused it."""
    run = locked(run)
    if run.status in LIVE:
        _stop_clock(run, timezone.now())
        run.status, run.error = JobStatus.PAUSED, reason
        run.save(update_fields=["status", "error", "worked_s", "resumed_at"])
        _dismiss_workers(run)
        record(actor, "paused", run)
    return run


@transaction.atomic
def resume(
    run: R, *, limits: type[msgspec.Struct], actor: User | None = None, budget: Mapping[str, Any] | None = None
) -> R:
    """Resume the run, with a new budget if one is passed.

    Raises Conflict if it has finished or was cancelled, or if its endpoint was removed or has a model that may not go on.
    """
    run = locked(run)
    if run.status in (JobStatus.CANCELLED, JobStatus.FINISHED):
        raise Conflict(f"This run is {run.get_status_display()}: it cannot be resumed.", code="ended")
    if run.endpoint is None:
        raise Conflict(ENDPOINT_GONE, code="no_endpoint")
    check_usable(run.endpoint, run.project)
    if reason := run.changed_model_reason():
        raise Conflict(reason, code="model_changed")
    if budget is not None:
        run.budget = msgspec.to_builtins(checked(limits, budget, "budget"))
    if run.can_be_resumed:
        run.status, run.error, run.finished_at = JobStatus.QUEUED, "", None
        record(actor, "resumed", run)
    run.save(update_fields=["status", "error", "finished_at", "budget"])
    wake_on_commit(run.task, run.pk)
    return run


@transaction.atomic
def cancel(run: R, *, actor: User | None = None) -> R:
    """Cancel the run for good. Stored results stay; requests in flight are cancelled."""
    run = locked(run)
    if not run.has_ended:
        end(run, JobStatus.CANCELLED)
        record(actor, "cancelled", run)
    return run


@transaction.atomic
def begin(kind: type[R], run_id: int) -> R | None:
    """Mark the run as running and return it; None if it has ended or is paused."""
    run = kind.objects.select_for_update(of=("self",)).select_related("project", "endpoint").get(pk=run_id)
    if run.status not in LIVE:
        return None
    now = timezone.now()
    run.status, run.beat_at = JobStatus.RUNNING, now
    run.started_at = run.started_at or now
    run.resumed_at = run.resumed_at or now
    run.save(update_fields=["status", "beat_at", "started_at", "resumed_at"])
    return run


@transaction.atomic
def fail(run: R, *, error: str) -> R:
    run = locked(run)
    if not run.has_ended:
        end(run, JobStatus.FAILED, error=error)
    return run


@transaction.atomic
def finish_if_done(run: R, conclude: Callable[[R], Conclusion]) -> bool:
    """End the run as `conclude` says if all its items are processed. Returns whether it is over or paused."""
    run = locked(run)
    if run.status != JobStatus.RUNNING:
        return True
    if not is_processed(run):
        return False
    conclusion = conclude(run)
    end(run, conclusion.status, error=conclusion.error)
    add_notices(run, conclusion.notices)
    return True


def is_processed(run: ShardedRun) -> bool:
    """Whether all items of the run are claimed and all its shards finished."""
    return run.claimed_upto >= run.last_item and not run.shards.filter(finished_at=None).exists()


def end(run: ShardedRun, status: JobStatus, *, error: str = "") -> None:
    now = timezone.now()
    _stop_clock(run, now)
    run.status, run.error, run.finished_at, run.beat_at = status, error, now, now
    run.save(update_fields=["status", "error", "finished_at", "beat_at", "worked_s", "resumed_at"])
    _dismiss_workers(run)


def reached_limit(budget: msgspec.Struct, spent: Mapping[str, float | None]) -> str | None:
    """A sentence that names the first limit of the budget that is reached; None if none is."""
    for name, amount in spent.items():
        limit = getattr(budget, name)
        if limit is not None and amount is not None and amount >= limit:
            return f"The budget is reached: {limit:,g} {name}."
    return None


def _dismiss_workers(run: ShardedRun) -> None:
    transaction.on_commit(partial(drop, run.task, run.pk))


def _stop_clock(run: ShardedRun, now: datetime) -> None:
    if run.resumed_at is not None:
        run.worked_s += (now - run.resumed_at).total_seconds()
        run.resumed_at = None
