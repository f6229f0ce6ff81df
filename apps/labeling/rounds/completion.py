"""Whether people are done with a round: the one rule for blind rounds and release audits.

Until they are done with one that asks for fresh eyes, rounds in verify mode show no labels of models on its solutions: what
labelers know of a solution would decide what they say of it there.
"""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from apps.labeling.models import Assignment, Reservation, Round, Task

# A labeler has the task, also by a reviewer's return.
HELD = (Assignment.State.LEASED, Assignment.State.RETURNED)


def is_complete(round_: Round) -> bool:
    """Whether nobody labels it any more: it is closed, or all slots of its tasks are filled and no task is held."""
    return round_.status == Round.Status.CLOSED or not incomplete(Round.objects.filter(pk=round_.pk)).exists()


def incomplete(rounds: QuerySet[Round]) -> QuerySet[Round]:
    """Those of the rounds with a task that waits for a labeler, or that one has or was assigned.

    Withdrawn tasks are not served.
    """
    open_tasks = Task.objects.filter(round=OuterRef("pk"), open_slots__gt=0, withdrawn="")
    # Gold has an index of its own.
    has_open = Exists(open_tasks.filter(is_gold=False)) | Exists(open_tasks.filter(is_gold=True))
    held = Assignment.objects.filter(round=OuterRef("pk"), state__in=HELD, task__withdrawn="")
    assigned = Reservation.objects.waiting().filter(round=OuterRef("pk"))
    return rounds.filter(has_open | Exists(held) | Exists(assigned))


def hiding_from_labelers(project_id: int) -> QuerySet[Round]:
    """The project's live blind rounds of fresh eyes that people have not completed."""
    live = Round.objects.filter(
        project=project_id,
        fresh_eyes=True,
        mode=Round.Mode.BLIND,
        status__in=(Round.Status.OPEN, Round.Status.PAUSED),
    )
    return incomplete(live)


def is_hidden_from_labelers(project_id: int, solution_id: int) -> bool:
    """Whether the solution is in such a round."""
    return hiding_from_labelers(project_id).filter(tasks__solution=solution_id).exists()
