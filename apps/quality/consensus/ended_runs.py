"""Finding estimation runs that ended, whose results change what is known of their solutions."""

from __future__ import annotations

from django.db import transaction

from apps.estimation.models import EstimationRun
from apps.quality.consensus.invalidation import mark_run_stale
from apps.quality.models import NotedRun
from apps.runs.status import counted_run_q


def mark_ended_runs_stale() -> int:
    """Mark the solutions of each newly ended run as stale, once; returns the number of solutions."""
    noted = NotedRun.objects.values_list("run_id", flat=True)
    marked = 0
    for run in EstimationRun.objects.filter(counted_run_q()).exclude(pk__in=noted):
        with transaction.atomic():
            NotedRun.objects.bulk_create([NotedRun(run=run)], ignore_conflicts=True)
            marked += mark_run_stale(run)
    return marked
