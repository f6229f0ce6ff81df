"""What `celery -A annotate` loads. Each task only calls a service: see docs/patterns.md."""

from __future__ import annotations

import gc

from celery.signals import worker_process_init

from apps.core.jobs.celery import app

__all__ = ["app"]


# How many more objects there must be before the garbage collector looks at the young ones. With hundreds of requests in
# flight most of those are in use, and the default of 700 took a twentieth of a worker's processor time.
YOUNG_OBJECTS = 20_000


@worker_process_init.connect
def spare_the_garbage_collector(**_: object) -> None:
    """It skips objects that live as long as the process, and looks at young ones less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
