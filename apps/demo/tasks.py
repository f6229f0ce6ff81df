"""Celery tasks of the demo."""

from __future__ import annotations

from apps.core.jobs.celery import app
from apps.demo.seeding import sample_word_problems


@app.task
def sample_demo_solutions() -> None:
    sample_word_problems()
