"""Celery tasks."""

from __future__ import annotations

from django.db import OperationalError
from django.utils import timezone

from apps.core.jobs.celery import app
from apps.core.jobs.model import abandoned_q
from apps.core.jobs.wakeups import wake
from apps.removal.models import Deletion
from apps.removal.run import run_deletion


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def delete_in_batches(deletion_id: int) -> None:
    run_deletion(deletion_id=deletion_id)


@app.task
def resume_abandoned() -> None:
    """Send deletions again that have not progressed for a while."""
    for pk in Deletion.objects.filter(abandoned_q(timezone.now())).values_list("pk", flat=True):
        wake(delete_in_batches.name, pk)
