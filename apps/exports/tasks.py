"""Celery tasks."""

from __future__ import annotations

from django.db import OperationalError
from django.utils import timezone

from apps.core.jobs.celery import app
from apps.core.jobs.model import abandoned_q
from apps.core.jobs.wakeups import wake
from apps.exports.diffs.services import run_diff
from apps.exports.hub.services import run_push
from apps.exports.models import Export, ExportDiff, HubPush
from apps.exports.run import run_export, run_part


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def make_export(export_id: int) -> None:
    run_export(export_id=export_id, in_place=False)


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def make_export_part(part_id: int) -> None:
    run_part(part_id=part_id)


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def make_diff(diff_id: int) -> None:
    run_diff(diff_id=diff_id)


@app.task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def push_to_hub(push_id: int) -> None:
    run_push(push_id=push_id)


@app.task
def resume_abandoned() -> None:
    """Enqueue exports, their comparisons and their pushes again that have made no progress for a while."""
    for pk in Export.objects.filter(abandoned_q(timezone.now())).values_list("pk", flat=True):
        wake(make_export.name, pk)
    for pk in ExportDiff.objects.filter(abandoned_q(timezone.now())).values_list("pk", flat=True):
        wake(make_diff.name, pk)
    for pk in HubPush.objects.filter(abandoned_q(timezone.now())).values_list("pk", flat=True):
        wake(push_to_hub.name, pk)
