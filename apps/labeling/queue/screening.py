"""Another attempt at a screening."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Count, F

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.labeling.models import Assignment, Round, RoundProgress, Task
from apps.labeling.progress import lock_progress
from apps.labeling.queue.eligibility import own_result


@transaction.atomic
def retake(*, round: Round, labeler: User) -> RoundProgress:  # noqa: A002
    """Begin the next attempt: the same tasks, with new assignments. Earlier assignments are kept but no longer count.

    Raises Conflict if the current attempt is not over, was passed, or was the last one allowed.
    """
    lock_progress(round, labeler.pk)
    result = own_result(round, labeler)
    if result is None:
        raise Conflict("Finish the current attempt first.", code="not_over")
    if not result.may_retake:
        raise Conflict(result.message, code=result.code)
    assignments = Assignment.objects.filter(round=round, labeler=labeler).exclude(state=Assignment.State.RETAKEN)
    with_slot = assignments.filter(state__in=[Assignment.State.LEASED, Assignment.State.SUBMITTED])
    slots = dict(with_slot.order_by().values_list("task").annotate(count=Count("id")))
    assignments.update(state=Assignment.State.RETAKEN)
    for task_id, count in sorted(slots.items()):
        Task.objects.filter(pk=task_id).add_slots(count)
    RoundProgress.objects.filter(round=round, labeler=labeler).update(
        attempt=F("attempt") + 1, score=None, submitted=0, gold=0, late=0
    )
    return RoundProgress.objects.get(round=round, labeler=labeler)
