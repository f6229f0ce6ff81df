"""The Celery application. Tasks are doorways: see docs/patterns.md."""

from __future__ import annotations

import gc
import os

from celery import Celery
from celery.signals import worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "annotate.settings")

app = Celery("annotate")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def keep_what_is_loaded(**_: object) -> None:
    """The collector walks all that lives again and again: of what lives for good it need not."""
    gc.collect()
    gc.freeze()
