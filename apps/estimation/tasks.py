"""Doorways for Celery."""

from __future__ import annotations

from functools import partial

from celery import shared_task
from django.conf import settings
from django.db import OperationalError, transaction
from django.utils import timezone

from apps.core.jobs import JobStatus, abandoned_q
from apps.estimation.driving import work_on
from apps.estimation.models import SILENT_AFTER, EstimationRun, SamplingRun
from apps.estimation.sampling import run_sampling


@shared_task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_run(run_id: int) -> None:
    if work_on(run_id=run_id):
        work_on_run.delay(run_id)


@shared_task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_sampling(run_id: int) -> None:
    run_sampling(run_id=run_id)


@shared_task
def resume_abandoned() -> None:
    """Call workers again to what should be moving and is not."""
    for pk in SamplingRun.objects.filter(abandoned_q(timezone.now())).values_list("pk", flat=True):
        work_on_sampling.delay(pk)
    silent_since = timezone.now() - SILENT_AFTER
    for run in EstimationRun.objects.filter(status__in=[JobStatus.QUEUED, JobStatus.RUNNING], origin=""):
        if (run.beat_at or run.created_at) <= silent_since:
            call_workers(run.pk)


def call_workers(run_id: int) -> None:
    """As many messages as there may be workers at a run; those too many end at once."""
    for _ in range(settings.ESTIMATION_FANOUT):
        transaction.on_commit(partial(work_on_run.delay, run_id))
