"""Doorways for Celery."""

from __future__ import annotations

from celery import shared_task
from django.db import OperationalError

from apps.labeling.assignments.branching import grade_grown
from apps.labeling.queue.claim import return_lapsed


@shared_task
def return_lapsed_leases() -> None:
    return_lapsed()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def grade_grown_solution(solution_id: int) -> None:
    grade_grown(solution_id=solution_id)
