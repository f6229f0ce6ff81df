"""Sampling runs: start, pause, resume, cancel and work. `worker.py` samples the solutions."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Max

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.db.locks import advisory_xact_lock, try_advisory_lock
from apps.core.errors import Conflict, DomainError
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import drop, wake_on_commit
from apps.corpus.models import Problem
from apps.corpus.splitting.steps import SPLITTERS
from apps.estimation.models import SamplingRun
from apps.estimation.sampling.worker import SolutionSampler
from apps.inference.grants import check_usable
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.runs.endpoint import ENDPOINT_GONE, endpoint_unusable_reason
from apps.runs.parameters import checked_sampling, template_of
from apps.runs.schedule import WorkSlice
from apps.runs.status import LIVE
from apps.verifiers.pool.pool import GradingPool

MOST_PER_PROBLEM = 1024
# The lock that the one worker at a sampling run holds.
SAMPLING_LOCK = "sampling"
RETRY_AFTER_S = 1.0


@transaction.atomic
def start_sampling(
    *,
    project: Project,
    endpoint: Endpoint,
    per_problem: int = 4,
    sampling: Mapping[str, Any] | None = None,
    split: str = "newline",
    seed: int | None = None,
    keeps_repeated: bool = False,
    created_by: User | None = None,
    enqueue: bool = True,
) -> SamplingRun:
    """Queue a run over all problems of the project; without `enqueue` the caller works on it.

    Raises DomainError with the name of the invalid field.
    """
    check_usable(endpoint, project)
    if not 1 <= per_problem <= MOST_PER_PROBLEM:
        raise DomainError(
            f"`per_problem` must be between 1 and {MOST_PER_PROBLEM}.",
            fields={"per_problem": f"must be between 1 and {MOST_PER_PROBLEM}"},
        )
    if split not in SPLITTERS or split == "separator":
        methods = ", ".join(name for name in SPLITTERS if name != "separator")
        raise DomainError(f"`split` must be one of {methods}.", fields={"split": f"must be one of {methods}"})
    total = Problem.objects.filter(project=project, retired_at=None).count()
    if not total:
        raise DomainError("The project has no problems yet: import some first.", fields={"project": "no problems"})
    frozen = msgspec.to_builtins(checked_sampling(endpoint, {"temperature": 1.0} | dict(sampling or {})))
    advisory_xact_lock("sampling run", project.pk)
    number = (SamplingRun.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0) + 1
    run = SamplingRun.objects.create(
        project=project,
        number=number,
        endpoint=endpoint,
        created_by=created_by,
        generator=endpoint.model,
        per_problem=per_problem,
        sampling=frozen,
        prompt=template_of(endpoint),
        split=split,
        seed=secrets.randbelow(2**31) if seed is None else seed,
        keeps_repeated=keeps_repeated,
        total=total,
    )
    record_event(actor=created_by, verb="sampling.started", target=str(run), project=project.slug)
    if enqueue:
        wake_on_commit(SamplingRun.task, run.pk)
    return run


@transaction.atomic
def cancel_sampling(*, run: SamplingRun, actor: User | None = None) -> SamplingRun:
    """Cancel the run. Solutions written so far stay."""
    run = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if not run.has_ended:
        run.end(JobStatus.CANCELLED)
        _dismiss_workers(run)
        record_event(actor=actor, verb="sampling.cancelled", target=str(run), project=run.project.slug)
    return run


@transaction.atomic
def pause_sampling(*, run: SamplingRun, actor: User | None = None) -> SamplingRun:
    """Pause the run: requests in flight are completed and stored, and no more are sent."""
    run = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.status in LIVE:
        _pause(run)
        record_event(actor=actor, verb="sampling.paused", target=str(run), project=run.project.slug)
    return run


@transaction.atomic
def resume_sampling(*, run: SamplingRun, actor: User | None = None) -> SamplingRun:
    """Resume a paused or failed run with the problems that have no result. Raises Conflict in any other status.

    Raises DomainError if the endpoint is no longer granted to the project.
    """
    run = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if not run.can_be_resumed:
        raise Conflict(f"This run is {run.get_status_display()}: it cannot be resumed.", code="not_resting")
    if run.endpoint is None:
        raise Conflict(ENDPOINT_GONE, code="no_endpoint")
    check_usable(run.endpoint, run.project)
    run.status, run.error, run.finished_at = JobStatus.QUEUED, "", None
    run.save(update_fields=["status", "error", "finished_at"])
    record_event(actor=actor, verb="sampling.resumed", target=str(run), project=run.project.slug)
    wake_on_commit(SamplingRun.task, run.pk)
    return run


def run_sampling(*, run_id: int) -> SamplingRun:
    """Work on the run until it ends or is paused; if another worker has it, wait for that one.

    Safe to repeat: problems with a result are skipped.
    """
    while not _work(run_id, has_slice=False):
        time.sleep(RETRY_AFTER_S)
    return SamplingRun.objects.select_related("project", "endpoint").get(pk=run_id)


def run_sampling_slice(*, run_id: int) -> None:
    """Work on the run until it ends, is paused, or the work slice is over."""
    _work(run_id, has_slice=True)


def _work(run_id: int, *, has_slice: bool) -> bool:
    """Work on the run unless another worker does. Returns whether it has ended or is paused."""
    with try_advisory_lock(SAMPLING_LOCK, run_id) as claimed:
        run = _begin_run(run_id) if claimed else None
        if run is not None:
            _sample(run, WorkSlice(run) if has_slice else None)
    return not SamplingRun.objects.filter(pk=run_id, status__in=LIVE).exists()


@transaction.atomic
def _begin_run(run_id: int) -> SamplingRun | None:
    """Mark the run as running and return it; None if it has ended or is paused."""
    run = SamplingRun.objects.select_for_update(of=("self",)).select_related("project", "endpoint").get(pk=run_id)
    if run.status not in LIVE:
        return None
    return run.start(keep_clock=True)


def _sample(run: SamplingRun, work_slice: WorkSlice | None) -> None:
    if run.endpoint is None:
        _conclude(run, JobStatus.FAILED, ENDPOINT_GONE)
        return
    if reason := endpoint_unusable_reason(run):
        _conclude(run, JobStatus.PAUSED, reason)
        return
    with end_on_error(f"sampling run {run.pk}", lambda error: _conclude(run, JobStatus.FAILED, error)):
        with GradingPool() as pool:
            sampler = SolutionSampler(run, run.endpoint, pool, work_slice)
            sampler.work()
        if sampler.failure:
            _conclude(run, JobStatus.PAUSED, sampler.failure)
        elif sampler.is_done:
            _conclude(run, JobStatus.FINISHED)


@transaction.atomic
def _conclude(run: SamplingRun, status: JobStatus, error: str = "") -> None:
    """Set the status of a run that ends or pauses, unless its status was changed meanwhile."""
    run = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.status != JobStatus.RUNNING:
        return
    if status == JobStatus.PAUSED:
        _pause(run, error)
        return
    run.end(status, error=error)
    _dismiss_workers(run)


def _pause(run: SamplingRun, reason: str = "") -> None:
    run.status, run.error = JobStatus.PAUSED, reason
    run.save(update_fields=["status", "error"])
    _dismiss_workers(run)


def _dismiss_workers(run: SamplingRun) -> None:
    transaction.on_commit(partial(drop, SamplingRun.task, run.pk))
