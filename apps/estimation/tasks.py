"""Celery tasks of estimation runs and sampling runs."""

from __future__ import annotations

from django.db import OperationalError

from apps.core.jobs.celery import app
from apps.estimation.models import EstimationRun, SamplingRun
from apps.runs.schedule import serve_next_run


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_run(run_id: int) -> None:
    serve_next_run(EstimationRun.task)


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_sampling(run_id: int) -> None:
    serve_next_run(SamplingRun.task)
