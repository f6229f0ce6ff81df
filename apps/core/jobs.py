"""The abstract job: work that takes longer than a request is a row with a status, counters and an error text."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Self

from django.db import InterfaceError, OperationalError, models
from django.db.models import Q
from django.utils import timezone
from redis import RedisError

from apps.core.errors import DomainError

log = logging.getLogger(__name__)


class JobStatus(models.TextChoices):
    QUEUED = "queued", "queued"
    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    FINISHED = "finished", "finished"
    FAILED = "failed", "failed"
    CANCELLED = "cancelled", "cancelled"


ENDED = (JobStatus.FINISHED, JobStatus.FAILED, JobStatus.CANCELLED)

# A job that has not reported for this long may have lost its worker, and its message with it. Sending the message again
# is harmless: one process at a time works on a job.
SILENT_AFTER = timedelta(minutes=2)

# Outages of the database, the broker or the machine: the work is sent again. Any other unexpected exception would be
# raised again each time.
TEMPORARY_ERRORS = (OperationalError, InterfaceError, RedisError, OSError)


@contextmanager
def end_on_error(
    job: str, fail: Callable[[str], object], *, noun: str = "run", is_os_error_final: bool = False
) -> Iterator[None]:
    """End a job whose work raises: the one way in which imports, exports and runs fail.

    `fail` is called with the text to show. A DomainError ends the job with its own message. An unexpected error ends it
    with a general text; its details, which may hold anything, go to the log alone. A temporary error is raised again, so
    that the job goes on when its message is sent again; an OSError ends a job whose work is files (`is_os_error_final`).
    `job` names the job in the log, `noun` in the text.
    """
    try:
        yield
    except DomainError as error:
        fail(error.message)
    except TEMPORARY_ERRORS as error:
        if is_os_error_final and isinstance(error, OSError):
            log.warning("%s failed: %s", job, error)
            # The error's own text holds paths, which only the operator may see.
            reason = error.strerror or type(error).__name__
            fail(f"The operating system ended the {noun}: {reason}. Start it again.")
        else:
            log.warning("%s is interrupted and will be resumed: %s", job, error)
            raise
    except Exception as error:
        log.exception("%s failed with an unexpected error", job)
        fail(f"An unexpected error ended the {noun} ({type(error).__name__}): see the log of the workers.")


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
