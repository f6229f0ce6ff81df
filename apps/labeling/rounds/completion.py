"""Whether people are done with a round: the one rule for blind rounds and release audits."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from apps.labeling.models import Assignment, Round, Task

# A labeler has the task, also by a reviewer's return.
HELD = (Assignment.State.LEASED, Assignment.State.RETURNED)


def is_complete(round_: Round) -> bool:
    """Whether nobody labels it any more: it is closed, or all slots of its tasks are filled and no task is held."""
    return round_.status == Round.Status.CLOSED or not incomplete(Round.objects.filter(pk=round_.pk)).exists()


def incomplete(rounds: QuerySet[Round]) -> QuerySet[Round]:
    """Those of the rounds with a task that waits for a labeler, or that one has. Withdrawn tasks are not served."""
    open_tasks = Task.objects.filter(round=OuterRef("pk"), open_slots__gt=0, withdrawn="")
    held = Assignment.objects.filter(round=OuterRef("pk"), state__in=HELD, task__withdrawn="")
    return rounds.filter(Exists(open_tasks) | Exists(held))
