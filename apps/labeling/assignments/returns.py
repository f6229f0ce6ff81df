"""Turns that a reviewer gives back: the labeler is handed them again before anything new."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.labeling.assignments.correct import put_aside
from apps.labeling.models import Assignment, Round, RoundProgress, Task
from apps.labeling.progress import lock_progress
from apps.projects.models import Project

_TAKE = """
UPDATE labeling_assignment SET state = 'leased', leased_at = %(now)s, leased_until = %(until)s
WHERE id = (
    SELECT a.id FROM labeling_assignment a JOIN labeling_task t ON t.id = a.task_id
    WHERE a.labeler_id = %(labeler)s AND a.round_id = %(round)s AND a.state = 'returned' AND t.withdrawn = ''
    ORDER BY a.id LIMIT 1 FOR UPDATE OF a FOR SHARE OF t
) RETURNING id
"""


@transaction.atomic
def give_back(*, assignment: Assignment, note: str, now: datetime | None = None) -> Assignment:
    """Its labels are put aside and stand in its draft; its slot stays taken.

    Raises Conflict unless it is submitted, while a reviewer's correction counts in its place, and where its task is
    withdrawn.
    """
    lock_progress(assignment.round, assignment.labeler_id)
    held = Assignment.objects.select_for_update(of=("self",)).select_related("task").get(pk=assignment.pk)
    held.round, held.labeler = assignment.round, assignment.labeler
    if held.state != Assignment.State.SUBMITTED:
        raise Conflict("Only a turn that is handed in, and counts, can be returned.", code="not_submitted")
    if held.corrected_by_id is not None:
        raise Conflict("A reviewer has corrected it: take that correction back before you return it.", code="corrected")
    task = Task.objects.select_for_update(no_key=True).get(pk=held.task_id)
    if task.withdrawn:
        raise Conflict(f"{task.withdrawal}.", code="withdrawn")
    before = put_aside(held, now or timezone.now())
    said = before.to_dict()
    held.draft = {
        name: said[name]
        for name in ("steps", "preference", "progress", "critiques")
        if said.get(name) not in (None, [])
    }
    held.draft_version += 1
    held.state, held.digest, held.versions, held.note = Assignment.State.RETURNED, None, held.versions + 1, note
    held.finish_reason, held.reason, held.submitted_at = "", "", None
    held.save(
        update_fields=[
            "draft",
            "draft_version",
            "state",
            "digest",
            "versions",
            "note",
            "finish_reason",
            "reason",
            "submitted_at",
        ]
    )
    counted = "gold" if held.task.is_gold else "submitted"
    progress = RoundProgress.objects.filter(round=held.round, labeler=held.labeler, **{f"{counted}__gt": 0})
    progress.update(**{counted: F(counted) - 1})
    return held


def returned_to(labeler: User, project: Project) -> QuerySet[Assignment]:
    """What waits for the labeler because a reviewer gave it back."""
    assignments = Assignment.objects.filter(
        labeler=labeler, state=Assignment.State.RETURNED, round__project=project, task__withdrawn=""
    )
    return assignments.select_related("round").order_by("pk")


def take_returned(round_: Round, labeler_id: int, *, now: datetime, until: datetime) -> int | None:
    """The labeler's oldest returned turn, leased again; its assignment's id."""
    asked: dict[str, Any] = {"round": round_.pk, "labeler": labeler_id, "now": now, "until": until}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, asked)
        row = cursor.fetchone()
    return int(row[0]) if row else None
