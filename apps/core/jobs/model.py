"""The abstract job: work that takes longer than a request is a row with a status, counters and an error text."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils import timezone


class JobStatus(models.TextChoices):
    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    FINISHED = "finished", "finished"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


ENDED = (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.CANCELLED)

# A job that has not reported for this long may have lost its worker, and its message with it. Sending the message again
# is harmless: one process at a time works on a job (`locks.try_advisory_lock`).
SILENT_AFTER = timedelta(minutes=2)


def abandoned_q(now: datetime) -> Q:
    """Queued and running jobs that have not reported since SILENT_AFTER."""
    silent = Q(beat_at__lte=now - SILENT_AFTER) | Q(beat_at=None, created_at__lte=now - SILENT_AFTER)
    return silent & Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING])


class Job(models.Model):
    """Status, progress counters and error text of a job. Subclasses add its parameters, frozen at the start.

    `done` and `total` are in the job's own unit; `total` is None while it is unknown.
    """

    status = models.CharField(max_length=12, choices=JobStatus, default=JobStatus.QUEUED)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True, blank=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    beat_at = models.DateTimeField(null=True, blank=True, help_text="When the worker last reported.")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True

    @property
    def has_ended(self) -> bool:
        return self.status in ENDED

    @property
    def can_be_resumed(self) -> bool:
        """Whether the job is paused or failed. Not every kind of job has a service that resumes it."""
        return self.status in (JobStatus.PAUSED, JobStatus.FAILED)

    @property
    def seconds(self) -> float | None:
        """Seconds since the start, or from start to end; None before the start."""
        if self.started_at is None:
            return None
        return ((self.finished_at or timezone.now()) - self.started_at).total_seconds()

    @property
    def percent(self) -> int | None:
        return min(100, int(100 * self.done / self.total)) if self.total else None

    @property
    def rate(self) -> float | None:
        """Units per second so far."""
        seconds = self.seconds
        return self.done / seconds if seconds and self.done else None

    @property
    def eta_s(self) -> float | None:
        """Seconds until the end at the rate so far; None when total or rate are unknown."""
        if self.total is None or not self.rate or self.has_ended:
            return None
        return max(0.0, (self.total - self.done) / self.rate)

    def start(self, *, at: datetime | None = None, keep_clock: bool = False) -> Self:
        """Mark the job as running. `keep_clock` keeps the start time of a job that is resumed."""
        self.status, self.error = JobStatus.RUNNING, ""
        self.beat_at, self.finished_at = at or timezone.now(), None
        if not (keep_clock and self.started_at):
            self.started_at = self.beat_at
        self.save()
        return self

    def beat(self, *, done: int, at: datetime | None = None) -> None:
        """Save the progress, the time of this report and the counters of the subclass."""
        self.done, self.beat_at = done, at or timezone.now()
        self.save()

    def end(self, status: JobStatus, *, error: str = "", at: datetime | None = None) -> None:
        self.status, self.error = status, error
        self.finished_at = self.beat_at = at or timezone.now()
        self.save()
