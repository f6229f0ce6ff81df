"""Rounds: those that nobody has submitted anything in."""

from __future__ import annotations

from django.db.models import Q

from apps.exports.models import ReleaseAudit
from apps.labeling.models import Assignment, Round, Task
from apps.labeling.rounds.open_edits import lock_queue
from apps.quality.models import BlindSample, Cascade
from apps.removal.kinds.base import Kind, Loss, clause, counted


class RoundKind(Kind[Round]):
    name, title, needs, model = "round", "round", "manage_rounds", Round
    is_archivable = True

    def parts(self, row: Round) -> list[Loss]:
        leases = Assignment.objects.filter(round=row, state=Assignment.State.LEASED).count()
        samples = BlindSample.objects.filter(round=row).count()
        return counted(
            (Task.objects.filter(round=row).count(), "tasks"), (leases, "leases"), (samples, "blind samples")
        )

    def holds(self, row: Round) -> list[str]:
        if row.origin:
            return ["it was imported: delete its import"]
        # Whoever has submitted once, also in an earlier attempt or before a return, has done the work.
        done = Assignment.objects.filter(round=row).filter(
            Q(submitted_at__isnull=False) | Q(state__in=(*Assignment.SUBMITTED, "returned", "retaken"))
        )
        audits = ReleaseAudit.objects.filter(round=row, status=ReleaseAudit.Status.OPEN).count()
        return [
            *clause(done.count(), "submission"),
            *clause(audits, "audit of an export under way", "audits of exports under way"),
            *clause(Cascade.objects.filter(sample__round=row).count(), "cascade that rests on its sample"),
        ]

    def archive_holds(self, row: Round) -> list[str]:
        return ["it is open: close it first"] if row.status in (Round.Status.OPEN, Round.Status.PAUSED) else []

    def lock(self, row: Round) -> None:
        """No submission may come between the check and the deletion."""
        lock_queue(row)
