"""What labelers said of gold tasks, beside what is known of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from apps.labeling.models import Assignment, GoldLabel, StepLabel
from apps.labeling.protocols.base import LEFT_EARLY
from apps.quality.passing import Answer

Ratings = defaultdict[int, dict[int, int | None]]


def answers_of(turns: Sequence[Assignment]) -> list[Answer]:
    """One for each turn, in three queries; the turns come with their tasks."""
    gold: defaultdict[int, dict[int, int]] = defaultdict(dict)
    solutions = {turn.task.solution_id for turn in turns if turn.task.solution_id is not None}
    known = GoldLabel.objects.filter(step__solution__in=solutions, step__chosen=True)
    for solution_id, position, rating in known.values_list("step__solution_id", "step__position", "rating"):
        gold[solution_id][position] = rating
    said: Ratings = defaultdict(dict)
    labels = StepLabel.objects.filter(assignment__in=turns, step__chosen=True)
    for turn_id, position, word in labels.values_list("assignment_id", "step__position", "rating"):
        said[turn_id][position] = word
    return [
        Answer(gold=gold[turn.task.solution_id or 0], said=said[turn.pk], left_early=turn.finish_reason in LEFT_EARLY)
        for turn in turns
    ]
