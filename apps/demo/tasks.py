"""Celery tasks of the demo."""

from __future__ import annotations

from celery import shared_task

from apps.demo.seeding import sample_word_problems


@shared_task
def sample_demo_solutions() -> None:
    sample_word_problems()
