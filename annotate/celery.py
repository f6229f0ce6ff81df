"""What `celery -A annotate` loads. Each task only calls a service: see docs/patterns.md."""

from __future__ import annotations

import gc

from celery.signals import worker_process_init

from apps.core.jobs.celery import app

__all__ = ["app"]


@worker_process_init.connect
def freeze_loaded_objects(**_: object) -> None:
    """The garbage collector skips objects that live as long as the process."""
    gc.collect()
    gc.freeze()
