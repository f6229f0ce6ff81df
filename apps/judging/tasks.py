"""Celery tasks of judge runs."""

from __future__ import annotations

from django.db import OperationalError

from apps.core.jobs.celery import app
from apps.judging.models import JudgeRun
from apps.runs.schedule import serve_next_run


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_run(run_id: int) -> None:
    serve_next_run(JudgeRun.task)
