"""What people said, out of the database into flat arrays."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from django.db.models import BigIntegerField, F, Q, QuerySet
from django.db.models.functions import Coalesce

from apps.corpus.labels import GREAT
from apps.corpus.models import Step
from apps.labeling.assignments.first_submissions import first_submissions_of
from apps.labeling.models import Assignment, Protocol, StepLabel, counted_q
from apps.labeling.models.counted import asked_expression, rated_q
from apps.projects.models import Project
from apps.quality.statistics.ratings import Ints, Ratings, ints

AT_ONCE = 50_000
NOBODY_ASKED = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class LoadedRatings:
    """Ratings by number, with the ids behind the numbers: `solutions`, `steps` and `labelers`, each in order.

    `turns` are the assignments in which the ratings were said. `required` is for each solution how many labelers a settled
    label needs.
    """

    ratings: Ratings
    solutions: Ints
    steps: Ints
    labelers: Ints
    assignments: Ints
    required: Ints


def load_ratings(project: Project, solution_ids: Sequence[int], *, first: bool = False) -> LoadedRatings:
    """What counts of these solutions; those without steps are left out. Of several turns of one labeler the newest counts.

    With `first`, what labelers said in their first submissions: agreement is measured on it, whatever they or reviewers
    corrected later.

    A settled label needs the smallest redundancy among the rounds in which the counted labelers spoke: a round that asks
    for one person settles by one, and what nobody said in it does not lower what another round asks for. Who grew the
    solution settles it alone, until a round asks others about it.
    """
    steps = _table(Step.objects.filter(_on_path(solution_ids)).order_by("solution_id", "position"), "pk", "solution_id")
    said = _first_words(project, solution_ids) if first else _table(_labels(project, solution_ids), *_SAID)
    step_ids, solution_of = steps[:, 0], steps[:, 1]
    solutions, starts = np.unique(solution_of, return_index=True)
    offsets = np.append(starts, len(step_ids))
    by_id = np.argsort(step_ids)
    places = by_id[np.searchsorted(step_ids, said[:, 0], sorter=by_id)]
    labelers, numbers = np.unique(said[:, 1], return_inverse=True)
    newest = _newest_turn(solution_of[places], numbers, said[:, 2])
    if not first:
        # What a reviewer corrected decides nothing, and an older turn of its labeler does not speak in its place.
        newest &= ~np.isin(said[:, 2], _corrected(project, solution_ids))
    ratings = Ratings.of(
        places[newest], numbers[newest], said[newest, 3], offsets if len(solutions) else [0], max(1, len(labelers))
    )
    required = np.full(len(solutions), NOBODY_ASKED)
    np.minimum.at(required, ratings.solution_of_step()[ratings.steps], said[newest, 4])
    required = np.where(required == NOBODY_ASKED, 1, required)
    return LoadedRatings(ratings, solutions, step_ids, labelers, said[newest, 2], required)


def _corrected(project: Project, solution_ids: Sequence[int]) -> Ints:
    assignments = Assignment.objects.filter(
        round__project=project, task__solution__in=solution_ids, corrected_by__isnull=False
    )
    return ints(list(assignments.values_list("pk", flat=True)))


def _on_path(solution_ids: Sequence[int], prefix: str = "") -> Q:
    return Q(**{f"{prefix}chosen": True, f"{prefix}solution__in": solution_ids})


_SAID = (
    "step_id",
    "assignment__labeler_id",
    "assignment_id",
    Coalesce("rating", GREAT, output_field=BigIntegerField()),
    Coalesce(asked_expression("assignment__"), NOBODY_ASKED, output_field=BigIntegerField()),
)


def _first_words(project: Project, solution_ids: Sequence[int]) -> Ints:
    """Current labels where nothing was changed, and the kept first submissions of the few that were."""
    counted = counted_q(with_corrected=True) & Q(round__project=project)
    changed = list(
        Assignment.objects.filter(counted, versions__gt=0, task__solution__in=solution_ids)
        .exclude(round__protocol=Protocol.BRANCHING)
        .select_related("round", "task")
    )
    labels = _labels(project, solution_ids).exclude(assignment__in=changed)
    unchanged = _table(labels, *_SAID)
    steps = Step.objects.filter(_on_path([one.task.solution_id for one in changed if one.task.solution_id]))
    step_at = {
        (solution, position): pk for pk, solution, position in steps.values_list("pk", "solution_id", "position")
    }
    firsts = first_submissions_of(changed)
    rows = [
        (step_at[one.task.solution_id or 0, position], one.labeler_id, one.pk, rating, one.round.redundancy)
        for one in changed
        for position, rating in sorted(firsts[one.pk].ratings.items())
    ]
    if not rows:
        return unchanged
    said = np.concatenate([unchanged, ints(rows)])
    assignments, places = np.unique(said[:, 2], return_inverse=True)
    return np.asarray(said[np.argsort(_ranks(assignments)[places], kind="stable")])


def _labels(project: Project, solution_ids: Sequence[int]) -> QuerySet[StepLabel]:
    """Those that count, and those that a reviewer corrected, in the order in which they were handed in."""
    labels = StepLabel.objects.filter(
        _on_path(solution_ids, "step__"),
        counted_q("assignment__", with_corrected=True),
        rated_q(),
        assignment__round__project=project,
    )
    return labels.order_by(F("assignment__submitted_at").asc(nulls_first=True), "assignment_id", "step__position")


def _table(rows: QuerySet[Any], *columns: str | Coalesce) -> Ints:
    found = rows.values_list(*columns).iterator(chunk_size=AT_ONCE)
    parts = [ints(part) for part in iter(lambda: list(islice(found, AT_ONCE)), [])]
    return np.concatenate(parts) if parts else np.zeros((0, len(columns)), dtype=np.int64)


def _newest_turn(solutions: Ints, labelers: Ints, assignments: Ints) -> Any:
    """Which entries belong to the last turn of their labeler at their solution; entries are in order of handing in."""
    if not len(assignments):
        return np.zeros(0, dtype=np.bool_)
    keys = solutions * (int(labelers.max()) + 1) + labelers
    _, of_key = np.unique(keys, return_inverse=True)
    last = np.zeros(int(of_key.max()) + 1, dtype=np.int64)
    np.maximum.at(last, of_key, np.arange(len(assignments)))
    return assignments == assignments[last[of_key]]


def _ranks(assignments: Ints) -> Ints:
    """Of each of these assignments, which are sorted, its place in the order of handing in; undated ones come first."""
    order = Assignment.objects.filter(pk__in=assignments.tolist()).order_by(
        F("submitted_at").asc(nulls_first=True), "pk"
    )
    ranks = np.zeros(len(assignments), dtype=np.int64)
    ranks[np.searchsorted(assignments, ints(list(order.values_list("pk", flat=True))))] = np.arange(len(assignments))
    return ranks


def chunks(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]
