"""Finding estimation runs and judge runs that ended, whose results change what is known of their solutions."""

from __future__ import annotations

from django.db import transaction

from apps.estimation.models import EstimationRun
from apps.judging.models import JudgeRun
from apps.quality.consensus.invalidation import mark_judge_run_stale, mark_run_stale
from apps.quality.models import NotedJudgeRun, NotedRun
from apps.runs.status import counted_run_q


def mark_ended_runs_stale() -> int:
    """Mark the solutions of each newly ended run as stale, once; returns the number of solutions."""
    marked = 0
    for run in EstimationRun.objects.filter(counted_run_q()).exclude(pk__in=NotedRun.objects.values("run")):
        with transaction.atomic():
            NotedRun.objects.bulk_create([NotedRun(run=run)], ignore_conflicts=True)
            marked += mark_run_stale(run)
    # Importing a file's verdicts marks their solutions itself.
    own = JudgeRun.objects.filter(counted_run_q(), origin="")
    for judge_run in own.exclude(pk__in=NotedJudgeRun.objects.values("run")):
        with transaction.atomic():
            NotedJudgeRun.objects.bulk_create([NotedJudgeRun(run=judge_run)], ignore_conflicts=True)
            marked += mark_judge_run_stale(judge_run)
    return marked
