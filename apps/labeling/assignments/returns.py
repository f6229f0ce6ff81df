"""Assignments that a reviewer returns: their labelers work on them again before any new task."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.core.errors import Conflict
from apps.labeling.assignments.submissions import archive_submission
from apps.labeling.models import Assignment, RoundProgress, Task
from apps.labeling.progress import lock_progress
from apps.projects.models import Project


@transaction.atomic
def return_assignment(*, assignment: Assignment, note: str, now: datetime | None = None) -> Assignment:
    """Archive the submission, copy it to the draft, and return the assignment to its labeler. It keeps its slot.

    Raises Conflict unless the assignment is submitted and counts, if a reviewer's correction counts instead, and if its
    task is withdrawn.
    """
    lock_progress(assignment.round, assignment.labeler_id)
    locked = Assignment.objects.select_for_update(of=("self",)).select_related("task").get(pk=assignment.pk)
    locked.round, locked.labeler = assignment.round, assignment.labeler
    if locked.state != Assignment.State.SUBMITTED:
        raise Conflict("Only a submitted assignment that fills a slot can be returned.", code="not_submitted")
    if locked.corrected_by_id is not None:
        raise Conflict("A reviewer has corrected it: withdraw the correction before you return it.", code="corrected")
    task = Task.objects.select_for_update(no_key=True).get(pk=locked.task_id)
    if task.withdrawn:
        raise Conflict(f"{task.withdrawal}.", code="withdrawn")
    submission = archive_submission(locked, now or timezone.now(), note=note).to_dict()
    locked.draft = {
        name: submission[name]
        for name in ("steps", "preference", "progress", "critiques")
        if submission.get(name) not in (None, [])
    }
    changes = {
        "draft_version": locked.draft_version + 1,
        "state": Assignment.State.RETURNED,
        "digest": None,
        "versions": locked.versions + 1,
        "note": note,
        "reply": "",
        "finish_reason": "",
        "reason": "",
        "submitted_at": None,
    }
    for name, value in changes.items():
        setattr(locked, name, value)
    locked.save(update_fields=["draft", *changes])
    counter = "gold" if locked.task.is_gold else "submitted"
    progress = RoundProgress.objects.filter(round=locked.round, labeler=locked.labeler, **{f"{counter}__gt": 0})
    progress.update(**{counter: F(counter) - 1})
    return locked


def returned_assignments(labeler: User, project: Project) -> QuerySet[Assignment]:
    """The assignments that reviewers have returned to the labeler, with their rounds, oldest first."""
    assignments = Assignment.objects.filter(
        labeler=labeler, state=Assignment.State.RETURNED, round__project=project, task__withdrawn=""
    )
    return assignments.select_related("round").order_by("pk")
