"""Estimation runs that have ended: what they say of solutions is news to quality."""

from __future__ import annotations

from django.db import transaction

from apps.estimation.latest import counted_run_q
from apps.estimation.models import EstimationRun
from apps.quality.consensus.invalidation import note_run
from apps.quality.models import NotedRun


def note_ended_runs() -> int:
    """Each once; gives the number of solutions that they spoke of."""
    heard = NotedRun.objects.values_list("run_id", flat=True)
    return sum(_note(run) for run in EstimationRun.objects.filter(counted_run_q()).exclude(pk__in=heard))


@transaction.atomic
def _note(run: EstimationRun) -> int:
    NotedRun.objects.bulk_create([NotedRun(run=run)], ignore_conflicts=True)
    return note_run(run)
