"""Celery tasks of scoring runs."""

from __future__ import annotations

from django.db import OperationalError

from apps.core.jobs.celery import app
from apps.runs.schedule import serve_next_run
from apps.scoring import apply
from apps.scoring.models import ScoringRun


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_run(run_id: int) -> None:
    serve_next_run(ScoringRun.task)


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def apply_scores(run_id: int) -> None:
    apply.apply_scores(run_id=run_id)


@app.task
def apply_unapplied() -> None:
    """Store the scores of runs that ended while no worker could do it. Sent by the beat schedule."""
    for run_id in apply.unapplied_runs().values_list("pk", flat=True):
        apply.apply_scores(run_id=run_id)
