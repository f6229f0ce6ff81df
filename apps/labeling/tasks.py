"""Doorways for Celery."""

from __future__ import annotations

from celery import shared_task

from apps.labeling.queue import return_lapsed


@shared_task
def return_lapsed_leases() -> None:
    return_lapsed()
