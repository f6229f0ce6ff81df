"""Celery tasks."""

from __future__ import annotations

from django.db import OperationalError
from django.utils import timezone

from apps.core.jobs.celery import app
from apps.core.jobs.model import abandoned_q
from apps.core.jobs.wakeups import wake
from apps.corpus.imports.run import run_import
from apps.corpus.models import ImportBatch
from apps.corpus.problem_edits import grade_again
from apps.corpus.services import discard_stale_uploads


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def import_file(batch_id: int) -> None:
    run_import(batch_id=batch_id)


@app.task
def resume_abandoned() -> None:
    """Send imports again that have not progressed for a while."""
    for pk in ImportBatch.objects.filter(abandoned_q(timezone.now())).values_list("pk", flat=True):
        wake(import_file.name, pk)


@app.task
def discard_left_uploads() -> None:
    discard_stale_uploads(now=timezone.now())


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def grade_problem(problem_id: int) -> None:
    grade_again(problem_id=problem_id)
