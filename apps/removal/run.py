"""Deletes in batches what takes longer than a request. A worker that is killed loses nothing: the next one continues."""

from __future__ import annotations

from typing import Any

from apps.core.db.locks import try_advisory_lock
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import JobStatus
from apps.removal.kinds import KINDS, all_rows
from apps.removal.models import Deletion


def run_deletion(*, deletion_id: int) -> Deletion:
    """Delete what the row names. It may be called again at any time, also at the same time by another worker."""
    deletion = Deletion.objects.get(pk=deletion_id)
    with try_advisory_lock("deletion", deletion_id) as claimed:
        if not claimed:
            return deletion
        deletion.refresh_from_db()
        if deletion.has_ended:
            return deletion
        deletion.start(keep_clock=True)
        with end_on_error(f"deletion {deletion_id}", lambda reason: _fail(deletion, reason), noun="deletion"):
            _delete(deletion)
        return deletion


def _delete(deletion: Deletion) -> None:
    kind = KINDS[deletion.kind]
    row: Any = all_rows(kind.model).filter(pk=deletion.target).first()
    if row is not None:
        gone = deletion.done
        for progress in kind.remove_in_batches(row):
            deletion.total = gone + progress.total
            deletion.beat(done=gone + progress.done)
    deletion.refresh_from_db()
    deletion.end(JobStatus.FINISHED)


def _fail(deletion: Deletion, reason: str) -> None:
    deletion.refresh_from_db()
    deletion.end(JobStatus.FAILED, error=reason)
