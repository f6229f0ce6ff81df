"""Marks of turns at solutions with gold: how each labeler did there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from django.utils import timezone

from apps.corpus.models import Solution
from apps.labeling.models import Assignment, StepLabel
from apps.projects.models import Project
from apps.quality.gold import Gold, Mark, Score, mark, score
from apps.quality.models import GoldMark
from apps.quality.shares import Share


def mark_turns(project: Project, gold: Mapping[int, Gold]) -> set[int]:
    """Mark every turn at these solutions anew; gives the labelers whose marks that were."""
    if not gold:
        return set()
    turns = list(
        Assignment.objects.spoken()
        .filter(task__solution__in=gold)
        .only("id", "round_id", "labeler_id", "submitted_at", "task__solution_id")
        .select_related("task")
    )
    lengths = dict(Solution.objects.filter(pk__in=gold).values_list("pk", "step_count"))
    said = ratings_of(turns)
    marks = []
    for turn in turns:
        solution_id = turn.task.solution_id
        assert solution_id is not None
        at = turn.submitted_at or timezone.now()
        found = mark(gold[solution_id], said[turn.pk], length=lengths[solution_id], at=at)
        marks.append(_row(project, turn, found))
    GoldMark.objects.bulk_create(
        marks, batch_size=2000, update_conflicts=True, unique_fields=["assignment"],
        update_fields=["at", "exact", "within_one", "steps_right", "steps"],
    )  # fmt: skip
    return {turn.labeler_id for turn in turns}


def ratings_of(turns: Sequence[Assignment]) -> defaultdict[int, dict[int, int]]:
    """By turn and position, of steps on the solutions' own paths; unsure and unjudged ones are left out."""
    said: defaultdict[int, dict[int, int]] = defaultdict(dict)
    labels = StepLabel.objects.filter(assignment__in=turns, step__chosen=True, rating__isnull=False)
    for turn, position, rating in labels.values_list("assignment_id", "step__position", "rating"):
        said[turn][position] = rating or 0
    return said


def _row(project: Project, turn: Assignment, found: Mark) -> GoldMark:
    return GoldMark(
        assignment=turn, project=project, round_id=turn.round_id, labeler_id=turn.labeler_id, at=found.at,
        exact=found.exact, within_one=found.within_one, steps_right=found.steps.hits, steps=found.steps.of,
    )  # fmt: skip


def as_mark(row: GoldMark) -> Mark:
    return Mark(row.at, row.exact, row.within_one, Share(row.steps_right, row.steps))


def scores_of(project: Project, since: timedelta | None = None) -> dict[int, Score]:
    """How each labeler does on gold, over all or over the latest time."""
    rows = GoldMark.objects.filter(project=project, assignment__state__in=Assignment.SPOKEN)
    if since is not None:
        rows = rows.filter(at__gte=timezone.now() - since)
    marks: defaultdict[int, list[Mark]] = defaultdict(list)
    for row in rows:
        marks[row.labeler_id].append(as_mark(row))
    return {labeler: score(found) for labeler, found in marks.items()}
