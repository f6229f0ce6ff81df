"""Doorways for Celery."""

from __future__ import annotations

from apps.core.celery import app
from apps.quality.consensus.ended_runs import note_ended_runs
from apps.quality.consensus.recompute import recompute_projects
from apps.quality.metrics.refresh import refresh_figures


@app.task
def recompute_stale() -> None:
    note_ended_runs()
    recompute_projects()


@app.task
def refresh_stale_figures() -> None:
    refresh_figures()
