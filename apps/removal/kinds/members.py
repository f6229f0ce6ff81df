"""Members who have done nothing. Others are suspended: their labels and decisions need the pseudonym."""

from __future__ import annotations

from apps.labeling.models import Assignment, Reservation, ReservationQuerySet
from apps.labeling.queue.reserved_slots import end_reservations
from apps.projects.audit import events_of
from apps.projects.models import Membership, Project, Role
from apps.removal.kinds.base import Kind, Loss, clause, counted


class MemberKind(Kind[Membership]):
    name, title, needs, model = "member", "member", "manage_members", Membership

    def title_of(self, row: Membership) -> str:
        return row.user.email

    def holds(self, row: Membership) -> list[str]:
        assignments = Assignment.objects.filter(round__project=row.project_id, labeler=row.user_id).count()
        changes = events_of(row.project).filter(actor=row.user_id).count()
        work = [
            *clause(assignments, "assignment of theirs", "assignments of theirs"),
            *clause(changes, "change of theirs in the audit log", "changes of theirs in the audit log"),
        ]
        return [
            *(["the labeler came with a file"] if row.status == Membership.Status.IMPORTED else []),
            *(["it is the only owner"] if self._is_last_owner(row) else []),
            *work,
            *(["the member can be suspended"] if work else []),
        ]

    @staticmethod
    def _is_last_owner(row: Membership) -> bool:
        owners = Membership.objects.filter(project=row.project_id, role=Role.OWNER, status=Membership.Status.ACTIVE)
        return row.role == Role.OWNER and not owners.exclude(pk=row.pk).exists()

    def parts(self, row: Membership) -> list[Loss]:
        return counted((_reservations(row).waiting().count(), "tasks that are assigned and not begun"))

    def remove(self, row: Membership) -> None:
        """What was assigned to them is free for others, as after a suspension."""
        end_reservations(_reservations(row))
        row.delete()

    def lock(self, row: Membership) -> None:
        """Two owners must not go at once. A task that is claimed meanwhile returns to the queue when its lease expires."""
        Project.objects.select_for_update().get(pk=row.project_id)


def _reservations(row: Membership) -> ReservationQuerySet:
    return Reservation.objects.filter(labeler=row.user_id, round__project=row.project_id)
