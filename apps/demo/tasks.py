"""Doorways for Celery."""

from __future__ import annotations

from celery import shared_task

from apps.demo.seeding import grow_word_problems


@shared_task
def grow_demo() -> None:
    grow_word_problems()
