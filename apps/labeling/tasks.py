"""Celery tasks of labeling."""

from __future__ import annotations

from django.db import OperationalError

from apps.core.jobs.celery import app
from apps.labeling.assignments.branching import grade_derived
from apps.labeling.queue import leases


@app.task
def expire_leases() -> None:
    leases.expire_leases()


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def grade_derived_solution(solution_id: int) -> None:
    grade_derived(solution_id=solution_id)
