"""The books of a round: what has to add up in its tables, whatever has been done to it and by whom."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from apps.labeling.models import Assignment, Round, RoundProgress, StepLabel, Task
from apps.labeling.rounds.tasks import GOLD_SLOTS

State = Assignment.State
LIVE, SUBMITTED = {State.LEASED, State.SUBMITTED}, {State.SUBMITTED, State.EXTRA}


def balance(round_: Round) -> None:
    """Nothing over-assigned, nothing lost, nothing counted twice."""
    tasks = {task.pk: task for task in Task.objects.filter(round=round_)}
    assignments = list(Assignment.objects.filter(round=round_))
    live: dict[int, list[int]] = defaultdict(list)
    for assignment in assignments:
        if assignment.state in LIVE:
            live[assignment.task_id].append(assignment.labeler_id)
    for task in tasks.values():
        slots = GOLD_SLOTS if task.is_gold else round_.redundancy
        people = live[task.pk]
        assert len(set(people)) == len(people), f"{task} is twice with one labeler"
        assert task.open_slots >= 0
        assert task.open_slots + len(people) == slots, f"{task} has {task.open_slots} open and {len(people)} taken"
    counted = Counter(
        (assignment.labeler_id, tasks[assignment.task_id].is_gold)
        for assignment in assignments
        if assignment.state == State.SUBMITTED
    )
    for progress in RoundProgress.objects.filter(round=round_):
        assert (progress.submitted, progress.gold) == (
            counted[progress.labeler_id, False],
            counted[progress.labeler_id, True],
        )
    labeled = Counter(StepLabel.objects.filter(assignment__round=round_).values_list("assignment_id", flat=True))
    spoken = {assignment.pk for assignment in assignments if assignment.state in SUBMITTED}
    assert set(labeled) == spoken, "labels stand where nothing was handed in, or are missing"
    assert all(assignment.digest and assignment.submitted_at for assignment in assignments if assignment.pk in spoken)


def left_for(round_: Round, labeler_id: int, holding: Sequence[int] = ()) -> int:
    """Tasks with an open slot that this labeler has not had, nor has in hand."""
    had = Assignment.objects.filter(round=round_, labeler=labeler_id, state__in=LIVE | SUBMITTED)
    waiting = Task.objects.filter(round=round_, is_gold=False, open_slots__gt=0)
    in_hand = Assignment.objects.filter(pk__in=holding)
    return waiting.exclude(pk__in=had.values("task_id")).exclude(pk__in=in_hand.values("task_id")).count()
