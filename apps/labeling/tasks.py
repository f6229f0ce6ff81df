"""Doorways for Celery."""

from __future__ import annotations

from django.db import OperationalError

from apps.core.celery import app
from apps.labeling.growing import grade_grown
from apps.labeling.queue import return_lapsed


@app.task
def return_lapsed_leases() -> None:
    return_lapsed()


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def grade_grown_solution(solution_id: int) -> None:
    grade_grown(solution_id=solution_id)
