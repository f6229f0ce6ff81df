"""Sampling runs: started, paused, resumed, cancelled. `writing.py` does the work."""

from __future__ import annotations

import logging
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
from apps.core.jobs import JobStatus, unforeseen
from apps.core.transient_errors import TRANSIENT_ERRORS
from apps.core.wakeups import wake_on_commit
from apps.corpus.models import Problem
from apps.corpus.splitting.steps import SPLITTERS
from apps.estimation.models import SamplingRun
from apps.estimation.runs.endpoint import ENDPOINT_GONE, why_not_asked
from apps.estimation.runs.parameters import checked_sampling, template_of
from apps.estimation.sampling.worker import Writer
from apps.estimation.worker.schedule import LIVE, SAMPLING, SAMPLING_TASK, WorkSlice, dismiss_workers
from apps.inference.grants import check_usable
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.verifiers.pool.pool import GradingPool

log = logging.getLogger(__name__)

MOST_PER_PROBLEM = 1024
LOOK_AGAIN_S = 1.0


@transaction.atomic
def start_sampling(
    *,
    project: Project,
    endpoint: Endpoint,
    per_problem: int = 4,
    sampling: Mapping[str, Any] | None = None,
    split: str = "newline",
    seed: int | None = None,
    created_by: User | None = None,
    enqueue: bool = True,
) -> SamplingRun:
    """Queue a run over all problems of the project; without `enqueue` the caller works on it.

    Raises DomainError that names the field.
    """
    check_usable(endpoint, project)
    if not 1 <= per_problem <= MOST_PER_PROBLEM:
        raise DomainError(
            "That many solutions a problem cannot be.", fields={"per_problem": f"1 to {MOST_PER_PROBLEM}"}
        )
    if split not in SPLITTERS or split == "separator":
        known = ", ".join(name for name in SPLITTERS if name != "separator")
        raise DomainError(f"A text cannot be split by {split!r}.", fields={"split": f"one of {known}"})
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
        total=total,
    )
    record_event(actor=created_by, verb="sampling.started", target=str(run), project=project.slug)
    if enqueue:
        wake_on_commit(SAMPLING_TASK, run.pk)
    return run


@transaction.atomic
def cancel_sampling(*, run: SamplingRun, actor: User | None = None) -> SamplingRun:
    """What has been written stays."""
    run = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if not run.has_ended:
        run.end(JobStatus.CANCELLED)
        _dismiss(run)
        record_event(actor=actor, verb="sampling.cancelled", target=str(run), project=run.project.slug)
    return run


@transaction.atomic
def pause_sampling(*, run: SamplingRun, actor: User | None = None) -> SamplingRun:
    """What is in flight is waited for and stored; nothing more is asked for."""
    run = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.status in LIVE:
        _rest(run)
        record_event(actor=actor, verb="sampling.paused", target=str(run), project=run.project.slug)
    return run


@transaction.atomic
def resume_sampling(*, run: SamplingRun, actor: User | None = None) -> SamplingRun:
    """Go on with the problems that have no result. Raises Conflict when it has ended well or for good.

    Raises DomainError where the endpoint is no longer granted to the project.
    """
    run = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.status not in (JobStatus.PAUSED, JobStatus.FAILED):
        raise Conflict(f"This run is {run.get_status_display()}: it cannot be resumed.", code="not_resting")
    if run.endpoint is None:
        raise Conflict(ENDPOINT_GONE, code="no_endpoint")
    check_usable(run.endpoint, run.project)
    run.status, run.error, run.finished_at = JobStatus.QUEUED, "", None
    run.save(update_fields=["status", "error", "finished_at"])
    record_event(actor=actor, verb="sampling.resumed", target=str(run), project=run.project.slug)
    wake_on_commit(SAMPLING_TASK, run.pk)
    return run


def run_sampling(*, run_id: int) -> SamplingRun:
    """Work on the run until it ends or rests. Safe to call again at any time: problems with a result are left alone.

    A worker that was quicker to take the run up is waited for.
    """
    while not _work(run_id, takes_turns=False):
        time.sleep(LOOK_AGAIN_S)
    return SamplingRun.objects.select_related("project", "endpoint").get(pk=run_id)


def work_slice(*, run_id: int) -> None:
    """Work on the run until it ends or rests, or other runs have waited long enough."""
    _work(run_id, takes_turns=True)


def _work(run_id: int, *, takes_turns: bool) -> bool:
    """Whether the run has come to its end, or to rest."""
    with try_advisory_lock(SAMPLING, run_id) as claimed:
        run = _begin(run_id) if claimed else None
        if run is not None:
            _write(run, WorkSlice(run) if takes_turns else None)
    return not SamplingRun.objects.filter(pk=run_id, status__in=LIVE).exists()


@transaction.atomic
def _begin(run_id: int) -> SamplingRun | None:
    """The run, marked as running; None when there is nothing to do about it."""
    run = SamplingRun.objects.select_for_update(of=("self",)).select_related("project", "endpoint").get(pk=run_id)
    if run.status not in LIVE:
        return None
    return run.start(keep_clock=True)


def _write(run: SamplingRun, turn: WorkSlice | None) -> None:
    if run.endpoint is None:
        _conclude(run, JobStatus.FAILED, ENDPOINT_GONE)
        return
    if reason := why_not_asked(run):
        _conclude(run, JobStatus.PAUSED, reason)
        return
    with GradingPool() as pool:
        writer = Writer(run, run.endpoint, pool, turn)
        try:
            writer.work()
        except DomainError as error:
            _conclude(run, JobStatus.FAILED, error.message)
            return
        except TRANSIENT_ERRORS:
            raise
        except Exception as error:
            log.exception("sampling run %s ends with an error that was not foreseen", run.pk)
            _conclude(run, JobStatus.FAILED, unforeseen(error))
            return
    if writer.failure:
        _conclude(run, JobStatus.PAUSED, writer.failure)
    elif writer.is_through:
        _conclude(run, JobStatus.FINISHED)


@transaction.atomic
def _conclude(run: SamplingRun, status: JobStatus, error: str = "") -> None:
    """All problems have been asked for, or no more of them can be. Where somebody has said otherwise, that stands."""
    found = SamplingRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if found.status != JobStatus.RUNNING:
        return
    if status == JobStatus.PAUSED:
        _rest(found, error)
        return
    found.end(status, error=error)
    _dismiss(found)


def _rest(run: SamplingRun, reason: str = "") -> None:
    run.status, run.error = JobStatus.PAUSED, reason
    run.save(update_fields=["status", "error"])
    _dismiss(run)


def _dismiss(run: SamplingRun) -> None:
    transaction.on_commit(partial(dismiss_workers, run.pk, SAMPLING_TASK))
