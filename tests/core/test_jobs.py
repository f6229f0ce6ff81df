"""The abstract run: status, progress, abandonment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from apps.core.jobs.model import SILENT_AFTER, Job, JobStatus, abandoned_q
from apps.corpus.models import ImportBatch
from apps.projects.models import Project

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def batch(project: Project, **fields: object) -> ImportBatch:
    return ImportBatch.objects.create(project=project, filename="a.jsonl", format="jsonl", **fields)


def test_a_job_that_has_not_started_knows_no_time() -> None:
    job = ImportBatch(done=0, total=None)
    assert (job.seconds, job.percent, job.rate, job.eta_s, job.has_ended) == (None, None, None, None, False)


def test_a_job_under_way_tells_rate_and_remaining_time() -> None:
    job = ImportBatch(done=250, total=1000, started_at=NOON, finished_at=NOON + timedelta(seconds=50))
    assert (job.percent, job.rate, job.eta_s) == (25, 5.0, 150.0)
    job.done = 2000  # More came than was thought.
    assert (job.percent, job.eta_s) == (100, 0.0)


@pytest.mark.parametrize("status", [JobStatus.FINISHED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_a_job_that_has_ended_has_no_remaining_time(status: JobStatus) -> None:
    job = ImportBatch(status=status, done=1, total=10, started_at=NOON, finished_at=NOON + timedelta(seconds=1))
    assert job.has_ended
    assert job.eta_s is None


def test_a_job_that_goes_on_keeps_its_clock_and_forgets_its_error(project: Project) -> None:
    job: Job = batch(project).start(at=NOON)
    job.end(JobStatus.FAILED, error="The disk was full.", at=NOON + timedelta(minutes=1))
    job.start(at=NOON + timedelta(minutes=5), keep_clock=True)
    job.refresh_from_db()
    assert (job.status, job.started_at, job.finished_at, job.error) == (JobStatus.RUNNING, NOON, None, "")
    assert job.start(at=NOON + timedelta(minutes=9)).started_at == NOON + timedelta(minutes=9)


@pytest.mark.parametrize(
    ("status", "silent_for", "is_abandoned"),
    [
        (JobStatus.RUNNING, SILENT_AFTER, True),
        (JobStatus.QUEUED, SILENT_AFTER, True),
        (JobStatus.RUNNING, SILENT_AFTER - timedelta(seconds=1), False),
        (JobStatus.PAUSED, timedelta(days=9), False),
        (JobStatus.FINISHED, timedelta(days=9), False),
    ],
)
def test_who_is_silent_for_too_long_is_given_up(
    project: Project, status: JobStatus, silent_for: timedelta, is_abandoned: bool
) -> None:
    batch(project, status=status, beat_at=NOON - silent_for)
    assert ImportBatch.objects.filter(abandoned_q(NOON)).exists() is is_abandoned


def test_a_job_that_no_worker_took_up_is_abandoned_by_its_age(project: Project) -> None:
    batch(project, created_at=NOON - SILENT_AFTER)
    assert ImportBatch.objects.filter(abandoned_q(NOON)).exists()
    assert not ImportBatch.objects.filter(abandoned_q(NOON - timedelta(seconds=1))).exists()
