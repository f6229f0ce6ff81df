"""The abstract run: whatever takes longer than a request is a row that says how far it is."""

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

# Whoever has not reported for so long may be gone, and the job's message with them. Sending it again
# does no harm: one process at a time works on a job (`locks.try_advisory_lock`).
SILENT_AFTER = timedelta(minutes=2)


def system_trouble(error: OSError, *, ended: str) -> str:
    """Without the paths of files, which are nobody's business but the operator's."""
    return f"The operating system ended the {ended}: {error.strerror or type(error).__name__}. Start it again."


def unforeseen(error: Exception, *, ended: str = "run") -> str:
    """What a job says that such an exception has ended. Its words may hold anything, so they go to the log alone."""
    return f"An unexpected error ended the {ended} ({type(error).__name__}): see the log of the workers."


def abandoned_q(now: datetime) -> Q:
    """Jobs that should be moving and have not been heard of."""
    silent = Q(beat_at__lte=now - SILENT_AFTER) | Q(beat_at=None, created_at__lte=now - SILENT_AFTER)
    return silent & Q(status__in=[JobStatus.QUEUED, JobStatus.RUNNING])


class Job(models.Model):
    """A run: status, progress counters and an error text. Subclasses add frozen parameters.

    `done` of `total` are in the job's own unit; `total` is None while nobody can know it.
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
    def seconds(self) -> float | None:
        """How long it has run, in seconds; None when it has not started."""
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
        """Take it up. A job that goes on where another worker left it keeps its clock."""
        self.status, self.error = JobStatus.RUNNING, ""
        self.beat_at, self.finished_at = at or timezone.now(), None
        if not (keep_clock and self.started_at):
            self.started_at = self.beat_at
        self.save()
        return self

    def beat(self, *, done: int, at: datetime | None = None) -> None:
        """Write down how far we are, that we live, and the counters of the subclass."""
        self.done, self.beat_at = done, at or timezone.now()
        self.save()

    def end(self, status: JobStatus, *, error: str = "", at: datetime | None = None) -> None:
        self.status, self.error = status, error
        self.finished_at = self.beat_at = at or timezone.now()
        self.save()
