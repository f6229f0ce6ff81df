"""Bringing files in: keep the file, look at it before deciding. `importing.py` does the work."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import DomainError
from apps.core.jobs import JobStatus
from apps.corpus.models import ImportBatch
from apps.corpus.readers import READERS, ReaderOptions
from apps.corpus.records import RowError
from apps.projects.models import Project


@transaction.atomic
def create_import(
    *, project: Project, file: File[bytes], filename: str, format: str, options: Mapping[str, Any] | None = None,  # noqa: A002
    uploaded_by: User | None = None,
) -> ImportBatch:  # fmt: skip
    """Keep the file and queue its import. Raises DomainError that names `format` or an option."""
    if format not in READERS:
        raise DomainError(
            f"Unknown format {format!r}. There are: {', '.join(READERS)}.", fields={"format": f"unknown: {format}"}
        )
    checked_options(options or {})
    batch = ImportBatch(
        project=project, filename=filename[-255:], format=format, options=dict(options or {}), uploaded_by=uploaded_by
    )
    batch.file.save(Path(filename).name, file, save=False)
    batch.total = batch.file.size
    batch.save()
    record_event(actor=uploaded_by, verb="import.created", target=filename[:200], project=project.slug)
    return batch


def checked_options(options: Mapping[str, Any]) -> ReaderOptions:
    try:
        return ReaderOptions.from_dict(options)
    except RowError as error:
        raise DomainError(error.reason, fields={error.field: error.reason}) from error


@transaction.atomic
def cancel_import(*, batch: ImportBatch, actor: User) -> ImportBatch:
    """Stop after the chunk that is on its way. What has landed stays."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if not batch.has_ended:
        batch.end(JobStatus.CANCELLED)
        record_event(actor=actor, verb="import.cancelled", target=batch.filename, project=batch.project.slug)
    return batch


@transaction.atomic
def queue_again(*, batch: ImportBatch) -> ImportBatch:
    """Let a failed or cancelled import go on after the last line that landed."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.status in (JobStatus.FAILED, JobStatus.CANCELLED):
        batch.status, batch.error = JobStatus.QUEUED, ""
        batch.save(update_fields=["status", "error"])
    return batch
