"""Doorways for Celery."""

from __future__ import annotations

from apps.core.celery import app
from apps.dashboard.seeding import grow_word_problems


@app.task
def grow_demo() -> None:
    grow_word_problems()
