"""Compare two exports and keep the result: exports never change, so it is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from django.db import transaction

from apps.core.db.locks import try_advisory_lock
from apps.core.errors import DomainError
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import delay_on_commit
from apps.exports.audits.services import check_released
from apps.exports.diffs.diff import diff_rows, manifest_diff
from apps.exports.diffs.row_parts import RowParts, row_parts
from apps.exports.files.part_rows import part_rows
from apps.exports.files.storage import part_path
from apps.exports.models import Export, ExportDiff

SMALL = 8 * 1024 * 1024  # Bytes of both exports that are compared within the request.


def compare_exports(*, before: Export, after: Export, enqueue: bool = True) -> ExportDiff:
    """The difference from `before` to `after`: stored, computed now if the files are small, or queued for a worker.

    Raises DomainError unless both are finished and have one format. A diff that failed is tried again.
    """
    with transaction.atomic():
        _check(before, after)
        diff, is_new = ExportDiff.objects.select_for_update().get_or_create(before=before, after=after)
        is_due = is_new or diff.status == JobStatus.FAILED
        if diff.status == JobStatus.FAILED:
            diff.status = JobStatus.QUEUED
            diff.save()
        is_small = before.bytes + after.bytes <= SMALL
        if is_due and enqueue and not is_small:
            delay_on_commit("apps.exports.tasks.make_diff", diff.pk)
    return run_diff(diff_id=diff.pk) if is_due and (is_small or not enqueue) else diff


def _check(before: Export, after: Export) -> None:
    for export in (before, after):
        if export.status != JobStatus.FINISHED:
            raise DomainError(f"Export {export.pk} is {export.status}: only finished exports can be compared.")
        check_released(export)
    if before.pk == after.pk:
        raise DomainError(
            "Choose two exports: an export does not differ from itself.", fields={"with": "the same export"}
        )
    if before.format != after.format:
        raise DomainError(
            f"Export {before.pk} has the format {before.format}, export {after.pk} {after.format}: only exports of one "
            "format can be compared.",
            fields={"with": "another format"},
        )


def run_diff(*, diff_id: int) -> ExportDiff:
    """Compare the files. Safe to call again at any time."""
    diff = ExportDiff.objects.select_related("before__project", "after__project").get(pk=diff_id)
    with try_advisory_lock("export-diff", diff_id) as claimed:
        if not claimed or diff.has_ended:
            return diff
        diff.start()

        def fail(reason: str) -> None:
            diff.end(JobStatus.FAILED, error=reason)

        with end_on_error(f"export diff {diff_id}", fail, noun="comparison", is_os_error_final=True):
            diff.result = _result(diff)
            diff.end(JobStatus.FINISHED)
    return diff


def _result(diff: ExportDiff) -> dict[str, Any]:
    before, after = diff.before, diff.after
    mixed = before.container != after.container
    with TemporaryDirectory(prefix="annotate-diff-") as folder:
        diff_of_rows = diff_rows(_parts(before, mixed), _parts(after, mixed), folder=folder)
    return {
        **msgspec.to_builtins(diff_of_rows, str_keys=True),
        **manifest_diff(before.manifest or {}, after.manifest or {}),
    }


def _parts(export: Export, ignore_nulls: bool) -> Iterator[RowParts]:  # noqa: FBT001
    tag = export.policy["step_tag"]
    for index in range(len(export.parts)):
        for row in part_rows(part_path(export, index), export.container):
            yield row_parts(row, step_tag=tag, ignore_nulls=ignore_nulls)
