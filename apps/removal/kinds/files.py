"""Exports: the files go, and the audit log keeps their checksums."""

from __future__ import annotations

import shutil
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q

from apps.core.jobs.model import ENDED
from apps.exports.files.storage import export_folder
from apps.exports.models import Export, ExportDiff, HubPush, ReleaseAudit
from apps.removal.kinds.base import Kind, Loss, counted


class ExportKind(Kind[Export]):
    name, title, needs, model = "export", "export", "export", Export
    is_archivable = True
    note = "Its files are removed, and its page with them. The audit log keeps its format, rows and checksums."

    def title_of(self, row: Export) -> str:
        return f"{row.format} export {row.pk}"

    def parts(self, row: Export) -> list[Loss]:
        diffs = ExportDiff.objects.filter(Q(before=row) | Q(after=row)).count()
        return counted(
            (len(row.parts), "files"),
            (row.rows, "rows"),
            (diffs, "comparisons with other exports"),
            (ReleaseAudit.objects.filter(export=row).count(), "release audits with their results"),
            (HubPush.objects.filter(export=row).count(), "entries of pushes to a Hub"),
        )

    def holds(self, row: Export) -> list[str]:
        if not row.has_ended:
            return ["it is under way: cancel it first"]
        is_audited = ReleaseAudit.objects.filter(export=row, status=ReleaseAudit.Status.OPEN).exists()
        is_pushed = HubPush.objects.filter(export=row).exclude(status__in=ENDED).exists()
        return [
            *(["its audit is under way: withdraw it first"] if is_audited else []),
            *(["it is being pushed to a Hub"] if is_pushed else []),
        ]

    def lock(self, row: Export) -> None:
        """A push or an audit that begins meanwhile waits, and finds the export gone."""
        Export.objects.select_for_update().filter(pk=row.pk).first()

    def archive_holds(self, row: Export) -> list[str]:
        return [] if row.has_ended else ["it is under way"]

    def values_of(self, row: Export) -> Any:
        files = [{name: part[name] for name in ("name", "rows", "bytes", "sha256")} for part in row.parts]
        return {"format": row.format, "rows": row.rows, "sha256": row.sha256, "files": files}

    def remove(self, row: Export) -> None:
        """The files go last: a transaction that fails leaves them in place."""
        folder = export_folder(row)
        row.delete()
        transaction.on_commit(partial(shutil.rmtree, folder, ignore_errors=True))
