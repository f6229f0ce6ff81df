"""Doorways for Celery."""

from __future__ import annotations

from functools import partial

from celery import shared_task
from django.db import OperationalError, transaction
from django.utils import timezone

from apps.core.jobs import abandoned_q
from apps.core.wake import wake
from apps.estimation.driving import work_on
from apps.estimation.models import SamplingRun
from apps.estimation.sampling import run_sampling
from apps.estimation.turns import TASK, call_workers_to_all, take_turn


@shared_task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_run(run_id: int) -> None:
    """The message of one run wakes a worker for whichever run has its turn."""
    turn = take_turn()
    if turn is None:
        return
    call_workers_to_all()
    work_on(run_id=turn)
    call_workers_to_all()


@shared_task(autoretry_for=(OperationalError,), retry_backoff=2, max_retries=10)
def work_on_sampling(run_id: int) -> None:
    run_sampling(run_id=run_id)


@shared_task
def resume_abandoned() -> None:
    """Call workers again to what should be moving and is not."""
    for pk in SamplingRun.objects.filter(abandoned_q(timezone.now())).values_list("pk", flat=True):
        wake(work_on_sampling.name, pk)
    call_workers_to_all()


def call_workers(run_id: int) -> None:
    """One message: whoever takes it calls the next worker, while there is work for one."""
    transaction.on_commit(partial(wake, TASK, run_id))
