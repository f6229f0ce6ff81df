"""The tasks that a labeler has skipped: listing them, and opening one of them again."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from apps.accounts.models import User
from apps.core.db.prepared import fetch
from apps.core.errors import Conflict
from apps.labeling.models import Assignment, AssignmentQuerySet, Reservation, Round
from apps.labeling.progress import lock_progress
from apps.labeling.queue import statements
from apps.labeling.queue.claim import why_no_new_task
from apps.labeling.queue.leases import expire_leases, lease_end
from apps.projects.models import Project

_TAKEN = "Others have taken this task since you skipped it. It comes back to you if it becomes free again."
_ASSIGNED = "A manager has assigned this task to you: you get it before any other task of the round."


def skipped_assignments(labeler: User, project: Project) -> AssignmentQuerySet:
    """Those that the labeler has skipped and not got again, the one skipped first in front, with their problems.

    What a manager has assigned to them since is not among them: they get it before any other task.
    """
    assigned = Reservation.objects.waiting().filter(task=OuterRef("task"), labeler=labeler)
    assignments = Assignment.objects.filter(
        ~Exists(assigned), labeler=labeler, state=Assignment.State.SKIPPED, round__project=project
    )
    related = ("round", "task__solution__problem", "task__comparison__problem")
    return assignments.select_related(*related).order_by("leased_until", "pk")


def why_not_free(assignment: Assignment) -> str | None:
    """Why its labeler cannot open a skipped task again, as far as a list shows it; None if it seems to be free."""
    if assignment.state != Assignment.State.SKIPPED:
        return "This task is not skipped."
    if assignment.task.withdrawn:
        return f"{assignment.task.withdrawal}."
    if assignment.round.status != Round.Status.OPEN:
        return f"This round is {assignment.round.get_status_display()}."
    return _TAKEN if assignment.task.open_slots < 1 else None


@transaction.atomic
def resume_skipped(*, assignment: Assignment, now: datetime | None = None) -> Assignment:
    """Lease the skipped task to its labeler again, with its draft. A second call changes nothing.

    Raises Conflict where the task is not free, and where the labeler would get no other task of the round either.
    """
    now, round_ = now or timezone.now(), assignment.round
    lock_progress(round_, assignment.labeler_id)
    assignment.refresh_from_db(fields=["state"])
    if assignment.state == Assignment.State.LEASED:
        return assignment
    if Reservation.objects.waiting().filter(task=assignment.task_id, labeler=assignment.labeler_id).exists():
        raise Conflict(_ASSIGNED, code="assigned")
    expire_leases(now=now, round_id=round_.pk)
    assignment.task.refresh_from_db(fields=["open_slots", "withdrawn"])
    if (refusal := why_not_free(assignment)) is not None:
        raise Conflict(refusal, code="not_free")
    leased = Assignment.objects.held_by(assignment.labeler).filter(round=round_).values_list("pk", flat=True)
    if (reason := why_no_new_task(round_, assignment.labeler, list(leased))) is not None:
        raise Conflict(reason.message, code=reason.code)
    values = {
        "round": round_.pk,
        "labeler": assignment.labeler_id,
        "assignment": assignment.pk,
        "holding": [],
        "now": now,
        "until": lease_end(round_, now),
        "guideline": round_.guideline_id,
    }
    if not fetch(statements.RESUME_ONE_SKIPPED, values):
        raise Conflict(_TAKEN, code="not_free")
    assignment.refresh_from_db(fields=["state", "leased_at", "leased_until", "guideline"])
    return assignment
