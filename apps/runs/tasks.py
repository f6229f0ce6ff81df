"""Celery tasks of runs of all kinds."""

from __future__ import annotations

from apps.core.jobs.celery import app
from apps.runs.schedule import call_workers, waiting_runs


@app.task
def resume_abandoned() -> None:
    """Call workers for live runs that lost theirs. Sent by the beat schedule."""
    call_workers(waiting_runs())
