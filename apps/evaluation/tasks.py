"""Celery tasks."""

from __future__ import annotations

from django.db import OperationalError
from django.utils import timezone

from apps.core.jobs.celery import app
from apps.core.jobs.model import abandoned_q
from apps.core.jobs.wakeups import wake
from apps.evaluation.models import Evaluation
from apps.evaluation.run import run_evaluation


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def evaluate(evaluation_id: int) -> None:
    run_evaluation(evaluation_id=evaluation_id)


@app.task
def resume_abandoned() -> None:
    """Enqueue evaluations again that have made no progress for a while."""
    for pk in Evaluation.objects.filter(abandoned_q(timezone.now())).values_list("pk", flat=True):
        wake(evaluate.name, pk)
