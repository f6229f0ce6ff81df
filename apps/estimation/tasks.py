"""Doorways for Celery."""

from __future__ import annotations

from django.db import OperationalError

from apps.core.celery import app
from apps.estimation.sampling.services import work_slice
from apps.estimation.worker.run import work_on
from apps.estimation.worker.schedule import SAMPLING_TASK, call_workers_to_all, take_slice


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_run(run_id: int) -> None:
    _serve()


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_sampling(run_id: int) -> None:
    _serve()


def _serve() -> None:
    """The message of one run wakes a worker for whichever run has its turn."""
    run = take_slice()
    if run is None:
        return
    call_workers_to_all()
    if run.task == SAMPLING_TASK:
        work_slice(run_id=run.pk)
    else:
        work_on(run_id=run.pk)
    call_workers_to_all()


@app.task
def resume_abandoned() -> None:
    """Call workers again to what should be moving and is not."""
    call_workers_to_all()
