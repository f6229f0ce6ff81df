"""Celery tasks of estimation runs and sampling runs."""

from __future__ import annotations

from django.db import OperationalError

from apps.core.jobs.celery import app
from apps.estimation.worker.kinds import serve_next_run
from apps.estimation.worker.schedule import call_workers_for_waiting_runs


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_run(run_id: int) -> None:
    serve_next_run()


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_sampling(run_id: int) -> None:
    serve_next_run()


@app.task
def resume_abandoned() -> None:
    """Call workers for live runs that lost theirs. Sent by the beat schedule."""
    call_workers_for_waiting_runs()
