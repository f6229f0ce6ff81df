"""Services of estimation runs: start, pause, resume, cancel and end. `worker/` does the work."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.locks import advisory_xact_lock
from apps.core.errors import Conflict, DomainError
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import wake_on_commit
from apps.estimation.models import EstimationRun
from apps.estimation.runs.conclusion import conclusion
from apps.estimation.runs.endpoint import ENDPOINT_GONE
from apps.estimation.runs.notices import add_notices
from apps.estimation.runs.parameters import Budget, checked, checked_sampling, template_of
from apps.estimation.runs.selection import checked_selection, solutions_of
from apps.estimation.strategies import full_options, strategy_of
from apps.estimation.strategies.tree import Tree
from apps.estimation.worker.schedule import LIVE, TASK, dismiss_workers
from apps.inference.grants import check_usable
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.verifiers.registry import VERIFIERS


@transaction.atomic
def start_run(
    *,
    project: Project,
    endpoint: Endpoint,
    strategy: str,
    options: Mapping[str, Any] | None = None,
    sampling: Mapping[str, Any] | None = None,
    selection: Mapping[str, Any] | None = None,
    budget: Mapping[str, Any] | None = None,
    seed: int | None = None,
    answers_suffice: bool = True,
    keeps_rollouts: bool = False,
    created_by: User | None = None,
) -> EstimationRun:
    """Freeze the parameters and queue the run. Raises DomainError with the name of the invalid parameter."""
    check_usable(endpoint, project)
    chosen_strategy = strategy_of(strategy, options or {})
    solution_filter = checked_selection(selection or {})
    solutions = solutions_of(project, solution_filter)
    total = solutions.count()
    if not total:
        raise DomainError(
            "The selection matches no solution.", fields={"selection": "must match at least one solution"}
        )
    run = EstimationRun(
        project=project,
        number=next_number(project),
        strategy=strategy,
        completer=endpoint.model,
        endpoint=endpoint,
        created_by=created_by,
        options=full_options(strategy, options or {}),
        sampling=msgspec.to_builtins(checked_sampling(endpoint, sampling or {})),
        prompt=template_of(endpoint),
        selection=solution_filter,
        budget=msgspec.to_builtins(checked(Budget, budget or {}, "budget")),
        versions={"annotate": settings.VERSION, **{verifier.name: verifier.version for verifier in VERIFIERS.values()}},
        seed=secrets.randbelow(2**31) if seed is None else seed,
        answers_suffice=answers_suffice and chosen_strategy.takes_answers,
        # The tree strategy searches the texts of rollouts.
        keeps_rollouts=keeps_rollouts or isinstance(chosen_strategy, Tree),
        price_in=endpoint.price_in,
        price_out=endpoint.price_out,
        total=total,
        last_solution=solutions.aggregate(last=Max("id"))["last"],
    )
    run.save()
    _record(created_by, "estimation.started", run)
    wake_on_commit(TASK, run.pk)
    return run


def next_number(project: Project) -> int:
    """The next run number. Locked until the end of the transaction, so that no other run gets the same."""
    advisory_xact_lock("estimation run", project.pk)
    return (EstimationRun.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0) + 1


@transaction.atomic
def pause_run(*, run: EstimationRun, actor: User | None = None, reason: str = "") -> EstimationRun:
    """Pause a live run: requests in flight are completed and stored. `reason` is set if no user paused it."""
    run = EstimationRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.status in LIVE:
        _stop_clock(run, timezone.now())
        run.status, run.error = JobStatus.PAUSED, reason
        run.save(update_fields=["status", "error", "worked_s", "resumed_at"])
        transaction.on_commit(partial(dismiss_workers, run.pk))
        _record(actor, "estimation.paused", run)
    return run


@transaction.atomic
def resume_run(
    *, run: EstimationRun, actor: User | None = None, budget: Mapping[str, Any] | None = None
) -> EstimationRun:
    """Resume the run, with a new budget if one is passed. Raises Conflict if it has finished or was cancelled."""
    run = EstimationRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.status in (JobStatus.CANCELLED, JobStatus.FINISHED):
        raise Conflict(f"This run is {run.get_status_display()}: it cannot be resumed.", code="ended")
    if run.endpoint is None:
        raise Conflict(ENDPOINT_GONE, code="no_endpoint")
    check_usable(run.endpoint, run.project)
    if budget is not None:
        run.budget = msgspec.to_builtins(checked(Budget, budget, "budget"))
    if run.status in (JobStatus.PAUSED, JobStatus.FAILED):
        run.status, run.error, run.finished_at = JobStatus.QUEUED, "", None
        _record(actor, "estimation.resumed", run)
    run.save(update_fields=["status", "error", "finished_at", "budget"])
    wake_on_commit(TASK, run.pk)
    return run


@transaction.atomic
def cancel_run(*, run: EstimationRun, actor: User | None = None) -> EstimationRun:
    """Cancel the run for good. Stored results stay; requests in flight are cancelled."""
    run = EstimationRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if not run.has_ended:
        end_run(run, JobStatus.CANCELLED)
        _record(actor, "estimation.cancelled", run)
    return run


# --- called by workers -------------------------------------------------------------------------------------


@transaction.atomic
def begin_run(*, run_id: int) -> EstimationRun | None:
    """Mark the run as running and return it; None if it has ended or is paused."""
    run = EstimationRun.objects.select_for_update(of=("self",)).select_related("project", "endpoint").get(pk=run_id)
    if run.status not in LIVE:
        return None
    now = timezone.now()
    run.status, run.beat_at = JobStatus.RUNNING, now
    run.started_at = run.started_at or now
    run.resumed_at = run.resumed_at or now
    run.save(update_fields=["status", "beat_at", "started_at", "resumed_at"])
    return run


@transaction.atomic
def finish_if_done(*, run: EstimationRun) -> bool:
    """End the run if all its solutions are claimed and all its shards finished. Returns whether it is over or paused."""
    run = EstimationRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.status != JobStatus.RUNNING:
        return True
    if run.first_solution < run.last_solution or run.shards.unfinished().exists():
        return False
    end = conclusion(run)
    end_run(run, end.status, error=end.error)
    add_notices(run, end.notices)
    if run.endpoint_id and run.seconds and run.rollouts:
        Endpoint.objects.filter(pk=run.endpoint_id).update(rollouts_per_s=run.rollouts / run.seconds)
    return True


@transaction.atomic
def fail_run(*, run: EstimationRun, error: str) -> None:
    run = EstimationRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if not run.has_ended:
        end_run(run, JobStatus.FAILED, error=error)


def end_run(run: EstimationRun, status: JobStatus, *, error: str = "") -> None:
    now = timezone.now()
    _stop_clock(run, now)
    run.status, run.error, run.finished_at, run.beat_at = status, error, now, now
    run.save(update_fields=["status", "error", "finished_at", "beat_at", "worked_s", "resumed_at"])
    transaction.on_commit(partial(dismiss_workers, run.pk))


def over_budget(run: EstimationRun) -> str | None:
    """A sentence that names the reached limit of the budget; None if no limit is reached."""
    budget: Budget = msgspec.convert(run.budget, Budget)
    spent = (
        ("rollouts", budget.rollouts, run.rollouts + run.missing),
        ("tokens", budget.tokens, run.tokens),
        ("cost", budget.cost, run.cost),
        ("seconds", budget.seconds, run.seconds),
    )
    for name, limit, amount in spent:
        if limit is not None and amount is not None and amount >= limit:
            return f"The budget is reached: {limit:,g} {name}."
    return None


def _stop_clock(run: EstimationRun, now: datetime) -> None:
    if run.resumed_at is not None:
        run.worked_s += (now - run.resumed_at).total_seconds()
        run.resumed_at = None


def _record(actor: User | None, verb: str, run: EstimationRun) -> None:
    record_event(actor=actor, verb=verb, target=str(run), project=run.project.slug)
