"""Celery tasks of estimation runs and sampling runs."""

from __future__ import annotations

from django.db import OperationalError

from apps.core.jobs.celery import app
from apps.estimation.sampling.services import run_sampling_slice
from apps.estimation.worker.run import run_estimation_slice
from apps.estimation.worker.schedule import SAMPLING_TASK, call_workers_for_waiting_runs, next_run


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_run(run_id: int) -> None:
    _serve_next_run()


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_sampling(run_id: int) -> None:
    _serve_next_run()


def _serve_next_run() -> None:
    """A wake-up message of any run makes this worker serve the run whose turn it is."""
    run = next_run()
    if run is None:
        return
    call_workers_for_waiting_runs()
    if run.task == SAMPLING_TASK:
        run_sampling_slice(run_id=run.pk)
    else:
        run_estimation_slice(run_id=run.pk)
    call_workers_for_waiting_runs()


@app.task
def resume_abandoned() -> None:
    """Call workers for live runs that lost theirs. Sent by the beat schedule."""
    call_workers_for_waiting_runs()
