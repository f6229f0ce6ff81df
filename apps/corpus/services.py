"""Stores files, queues and cancels their imports, and stores solutions that are made here. `imports.run` imports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import UUID

from django.core.files.base import File
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import record_event
from apps.core.errors import Conflict, DomainError
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import delay_on_commit
from apps.corpus.grading import Graded
from apps.corpus.identity import solution_digest
from apps.corpus.imports.readers import READERS, ReaderOptions, options_for
from apps.corpus.models import ImportBatch, Problem, Solution, Step, Upload
from apps.corpus.records import RowError, SolutionRecord
from apps.projects.models import Project

UPLOADS_KEPT = timedelta(days=2)
IMPORT_TASK = "apps.corpus.tasks.import_file"


class NotStored(DomainError):
    """The file system stored the file only in part, or not at all."""

    code = "not_stored"
    status = 503


def create_import(
    *,
    project: Project,
    file: File[bytes],
    filename: str,
    format: str,  # noqa: A002
    options: Mapping[str, Any] | None = None,
    uploaded_by: User | None = None,
    enqueue: bool = True,
) -> ImportBatch:
    """Store the file and queue its import; without `enqueue` the caller runs it.

    Raises DomainError that names `format`, an option or `file`.
    """
    batch = _new_batch(project, filename, format, options or {}, uploaded_by)
    _refuse_empty(file)
    with _stored_file(batch, file, filename), transaction.atomic():
        return _queued(batch, enqueue=enqueue)


def _refuse_empty(file: File[bytes]) -> None:
    if not file.size:
        raise DomainError("This file is empty.", fields={"file": "empty"})


@contextmanager
def _stored_file(holder: ImportBatch | Upload, file: File[bytes], filename: str) -> Iterator[None]:
    """Store the file. When storing it fails, or the caller's block does, nothing of it remains on disk."""
    storage = holder.file.storage
    # A unique name, so that a file that is written in part can be deleted.
    name = holder.file.field.generate_filename(holder, f"{token_hex(8)}-{Path(filename).name[-60:]}")
    try:
        holder.file.name = storage.save(name, file, max_length=holder.file.field.max_length)
        yield
    except BaseException as error:
        storage.delete(holder.file.name or name)
        storage.delete(name)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise NotStored(f"The file could not be stored: {reason}.", fields={"file": reason}) from error
        raise


def _new_batch(
    project: Project, filename: str, format_: str, options: Mapping[str, Any], uploaded_by: User | None
) -> ImportBatch:
    if format_ not in READERS:
        raise DomainError(
            f"Unknown format {format_!r}. `format` must be one of {', '.join(READERS)}.",
            fields={"format": f"unknown: {format_}"},
        )
    checked_options(format_, options)
    return ImportBatch(
        project=project,
        filename=filename[-255:],
        format=format_,
        options=dict(options),
        uploaded_by=uploaded_by,
    )


def _queued(batch: ImportBatch, *, enqueue: bool = True) -> ImportBatch:
    batch.total = batch.file.size
    batch.save()
    record_event(
        actor=batch.uploaded_by,
        verb="import.created",
        target=batch.filename[:200],
        project=batch.project.slug,
    )
    if enqueue:
        delay_on_commit(IMPORT_TASK, batch.pk)
    return batch


def checked_options(format_: str, options: Mapping[str, Any]) -> ReaderOptions:
    try:
        return options_for(READERS[format_], options)
    except RowError as error:
        raise DomainError(error.reason, fields={error.field: error.reason}) from error


@transaction.atomic
def cancel_import(*, batch: ImportBatch, actor: User) -> ImportBatch:
    """Stop after the chunk that is being stored. What is stored remains."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if not batch.has_ended:
        batch.end(JobStatus.CANCELLED)
        record_event(actor=actor, verb="import.cancelled", target=batch.filename, project=batch.project.slug)
    return batch


@transaction.atomic
def queue_again(*, batch: ImportBatch) -> ImportBatch:
    """Continue a failed or cancelled import after the last line that is stored."""
    batch = ImportBatch.objects.select_for_update().get(pk=batch.pk)
    if batch.status in (JobStatus.FAILED, JobStatus.CANCELLED):
        batch.status, batch.error = JobStatus.QUEUED, ""
        batch.save(update_fields=["status", "error"])
    delay_on_commit(IMPORT_TASK, batch.pk)
    return batch


# --- files that wait for their import ---------------------------------------------------------------------


def keep_upload(*, project: Project, file: File[bytes], filename: str, uploaded_by: User) -> Upload:
    """Store a file that is previewed before its import. Raises DomainError, field `file`, for an empty one."""
    _refuse_empty(file)
    upload = Upload(project=project, filename=filename[-255:], uploaded_by=uploaded_by)
    with _stored_file(upload, file, filename), transaction.atomic():
        upload.save()
    return upload


@transaction.atomic
def import_upload(*, upload: Upload, format: str, options: Mapping[str, Any] | None = None) -> ImportBatch:  # noqa: A002
    """Queue the import of an uploaded file, which then belongs to the import. Raises Conflict the second time."""
    locked = Upload.objects.select_for_update().select_related("project", "uploaded_by").filter(pk=upload.pk).first()
    if locked is None:
        raise Conflict("This file is being imported already.", code="imported")
    batch = _new_batch(locked.project, locked.filename, format, options or {}, locked.uploaded_by)
    batch.file.name = locked.file.name
    locked.delete()
    return _queued(batch)


@transaction.atomic
def discard_upload(*, upload: Upload) -> None:
    """Delete an uploaded file; its content is deleted after the commit."""
    file = upload.file
    upload.delete()
    transaction.on_commit(lambda: file.storage.delete(str(file.name)))


def discard_stale_uploads(*, now: datetime) -> int:
    """Delete files that were uploaded and not imported; returns their number."""
    stale = list(Upload.objects.filter(created_at__lt=now - UPLOADS_KEPT))
    for upload in stale:
        discard_upload(upload=upload)
    return len(stale)


# --- solutions that are made here -------------------------------------------------------------------------


@transaction.atomic
def add_solutions(*, problem: Problem, records: Sequence[SolutionRecord], graded: Sequence[Graded]) -> list[Solution]:
    """Store solutions of one problem with their grades; returns the new ones.

    Those that exist already, or have the same content as another, are left out.
    """
    existing = set(Solution.objects.filter(problem=problem).values_list("digest", flat=True))
    new: dict[UUID, tuple[SolutionRecord, Graded]] = {}
    for record, grade in zip(records, graded, strict=True):
        key = solution_digest(record)
        if key not in existing:
            new.setdefault(key, (record, grade))
    stored = Solution.objects.bulk_create(
        Solution(
            project_id=problem.project_id,
            problem=problem,
            digest=key,
            source=record.source,
            final_answer=grade.answer,
            is_correct=grade.is_correct,
            grade=grade.grade,
            graded_by=grade.by,
            step_count=len(record.steps),
            separator=record.separator,
            extras=record.extras or None,
        )
        for key, (record, grade) in new.items()
    )
    Step.objects.bulk_create(
        Step(solution=solution, position=step.position, text=step.text, origin=step.origin)
        for solution, (record, _) in zip(stored, new.values(), strict=True)
        for step in record.steps
    )
    return stored
