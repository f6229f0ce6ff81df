"""What labelers said of gold tasks, beside what is known of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from apps.accounts.models import User
from apps.labeling.models import Assignment, GoldLabel, StepLabel
from apps.labeling.protocols.base import LEFT_EARLY
from apps.projects.models import Project
from apps.quality.passing import Answer, agreement

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


# Below this a share says more of single tasks than of the labeler, and could tell which of them were gold.
FEWEST = 10
LATEST = 200


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Agreement with gold over the labeler's latest gold tasks; `share` is None while they are too few."""

    tasks: int
    share: float | None


def gold_accuracy(project: Project, labeler: User) -> Accuracy:
    """Screenings aside: only gold that was mixed into real work."""
    turns = list(
        Assignment.objects.spoken()
        .filter(round__project=project, round__is_screening=False, labeler=labeler, is_quality_control=True)
        .filter(task__solution__problem__retired_at=None)
        .select_related("task", "round")
        .order_by("-submitted_at")[:LATEST]
    )
    if len(turns) < FEWEST:
        return Accuracy(len(turns), None)
    by_protocol: defaultdict[str, list[Assignment]] = defaultdict(list)
    for turn in turns:
        by_protocol[turn.round.protocol].append(turn)
    agreed = sum(agreement(name, answers_of(some)) * len(some) for name, some in by_protocol.items())
    return Accuracy(len(turns), agreed / len(turns))
