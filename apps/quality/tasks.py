"""Doorways for Celery."""

from __future__ import annotations

from apps.core.celery import app
from apps.quality.figures import refresh_figures
from apps.quality.runs import note_ended_runs
from apps.quality.settling import settle_projects


@app.task
def settle_stale() -> None:
    note_ended_runs()
    settle_projects()


@app.task
def refresh_stale_figures() -> None:
    refresh_figures()
