"""Celery tasks."""

from __future__ import annotations

from apps.core.jobs.celery import app
from apps.quality.consensus.ended_runs import mark_ended_runs_stale
from apps.quality.consensus.recompute import recompute_projects
from apps.quality.metrics.refresh import refresh_figures, refresh_judge_reports, refresh_run_figures


@app.task
def recompute_stale() -> None:
    mark_ended_runs_stale()
    recompute_projects()


@app.task
def refresh_stale_figures() -> None:
    refresh_figures()
    refresh_run_figures()
    refresh_judge_reports()
