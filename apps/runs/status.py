"""Which runs are live, and whose results count: the same for all pages, queues, API and exports."""

from __future__ import annotations

from django.db.models import Q

from apps.core.jobs.model import JobStatus
from apps.runs.models import ShardedRun

LIVE = (JobStatus.QUEUED, JobStatus.RUNNING)
# Before a run has ended, its results may change.
COUNTED_STATUSES = (JobStatus.FINISHED, JobStatus.CANCELLED)


def counted_run_q(prefix: str = "") -> Q:
    """A filter for counted runs. `prefix` is the lookup from a row to its run."""
    return Q(**{f"{prefix}status__in": COUNTED_STATUSES})


def run_counts(run: ShardedRun) -> bool:
    return run.status in COUNTED_STATUSES
