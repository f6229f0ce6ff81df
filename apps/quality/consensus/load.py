"""Loading counted ratings from the database into flat arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from apps.labeling.models.counted import rated_q, redundancy_expression
from apps.projects.models import Project
from apps.quality.statistics.ratings import Bools, Ints, Ratings, ints

ROWS_AT_ONCE = 50_000
NO_REDUNDANCY = np.iinfo(np.int64).max

# A row of the tables of ratings: ids of step, labeler and assignment, the rating, and the redundancy of the round.
_STEP, _LABELER, _ASSIGNMENT, _RATING, _REDUNDANCY = range(5)
_COLUMNS = (
    "step_id",
    "assignment__labeler_id",
    "assignment_id",
    Coalesce("rating", GREAT, output_field=BigIntegerField()),
    Coalesce(redundancy_expression("assignment__"), NO_REDUNDANCY, output_field=BigIntegerField()),
)


@dataclass(frozen=True, slots=True)
class LoadedRatings:
    """Ratings by number, with the ids behind the numbers: `solutions`, `steps` and `labelers`, each in order.

    `assignments` holds the assignment of each rating, and `required` for each solution the number of labelers that a
    settled label needs.
    """

    ratings: Ratings
    solutions: Ints
    steps: Ints
    labelers: Ints
    assignments: Ints
    required: Ints


def load_ratings(
    project: Project, solution_ids: Sequence[int], *, first_submissions: bool = False, round_id: int | None = None
) -> LoadedRatings:
    """The counted ratings of these solutions, without the solutions that have no steps.

    Of several assignments of one labeler at one solution the newest counts. With `first_submissions` the ratings are
    those that labelers submitted first, regardless of later corrections: agreement is measured on these. With `round_id`
    other rounds do not exist.

    A settled label needs the smallest redundancy among the rounds of the counted assignments: a round that asks for one
    labeler settles by one, and a round without a counted assignment lowers nothing. A solution that was derived by
    branching is settled by its labeler alone, until a round asks others about it.
    """
    steps = _table(Step.objects.filter(_on_path(solution_ids)).order_by("solution_id", "position"), "pk", "solution_id")
    of_round = {"round__project": project} if round_id is None else {"round": round_id}
    if first_submissions:
        table = _first_submissions(of_round, solution_ids)
    else:
        table = _table(_labels(of_round, solution_ids), *_COLUMNS)
    step_ids, solution_of = steps[:, 0], steps[:, 1]
    solutions, starts = np.unique(solution_of, return_index=True)
    by_id = np.argsort(step_ids)
    step_numbers = by_id[np.searchsorted(step_ids, table[:, _STEP], sorter=by_id)]
    labelers, labeler_numbers = np.unique(table[:, _LABELER], return_inverse=True)
    is_counted = _is_newest(solution_of[step_numbers], labeler_numbers, table[:, _ASSIGNMENT])
    if not first_submissions:
        # A corrected assignment decides nothing, and takes the place of its labeler's older ones.
        corrected = Assignment.objects.filter(**of_round, task__solution__in=solution_ids, corrected_by__isnull=False)
        is_counted &= ~np.isin(table[:, _ASSIGNMENT], ints(list(corrected.values_list("pk", flat=True))))
    table = table[is_counted]
    ratings = Ratings.of(
        step_numbers[is_counted],
        labeler_numbers[is_counted],
        table[:, _RATING],
        np.append(starts, len(step_ids)) if len(solutions) else [0],
        max(1, len(labelers)),
    )
    required = np.full(len(solutions), NO_REDUNDANCY)
    np.minimum.at(required, ratings.solution_of_step()[ratings.steps], table[:, _REDUNDANCY])
    required = np.where(required == NO_REDUNDANCY, 1, required)
    return LoadedRatings(ratings, solutions, step_ids, labelers, table[:, _ASSIGNMENT], required)


def chunks(ids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def _on_path(solution_ids: Sequence[int], prefix: str = "") -> Q:
    return Q(**{f"{prefix}chosen": True, f"{prefix}solution__in": solution_ids})


def _labels(of_round: Mapping[str, Any], solution_ids: Sequence[int]) -> QuerySet[StepLabel]:
    """Labels of counted assignments and of those that a reviewer corrected, in the order of submission."""
    labels = StepLabel.objects.filter(
        _on_path(solution_ids, "step__"),
        counted_q("assignment__", with_corrected=True),
        rated_q(),
        **{f"assignment__{lookup}": value for lookup, value in of_round.items()},
    )
    return labels.order_by(F("assignment__submitted_at").asc(nulls_first=True), "assignment_id", "step__position")


def _first_submissions(of_round: Mapping[str, Any], solution_ids: Sequence[int]) -> Ints:
    """Current labels of unchanged assignments, and the stored first submissions of the few that were changed."""
    counted = counted_q(with_corrected=True) & Q(**of_round)
    changed = list(
        Assignment.objects.filter(counted, versions__gt=0, task__solution__in=solution_ids)
        .exclude(round__protocol=Protocol.BRANCHING)
        .select_related("round", "task")
    )
    unchanged = _table(_labels(of_round, solution_ids).exclude(assignment__in=changed), *_COLUMNS)
    changed_solutions = [assignment.task.solution_id for assignment in changed if assignment.task.solution_id]
    step_at = {
        (solution_id, position): pk
        for pk, solution_id, position in Step.objects.filter(_on_path(changed_solutions)).values_list(
            "pk", "solution_id", "position"
        )
    }
    submissions = first_submissions_of(changed)
    rows = [
        (
            step_at[assignment.task.solution_id or 0, position],
            assignment.labeler_id,
            assignment.pk,
            rating,
            assignment.round.redundancy,
        )
        for assignment in changed
        for position, rating in sorted(submissions[assignment.pk].ratings.items())
    ]
    if not rows:
        return unchanged
    table = np.concatenate([unchanged, ints(rows)])
    # In the order of submission, undated assignments first.
    assignments, numbers = np.unique(table[:, _ASSIGNMENT], return_inverse=True)
    by_submission = Assignment.objects.filter(pk__in=assignments.tolist()).order_by(
        F("submitted_at").asc(nulls_first=True), "pk"
    )
    ranks = np.zeros(len(assignments), dtype=np.int64)
    ranks[np.searchsorted(assignments, ints(list(by_submission.values_list("pk", flat=True))))] = np.arange(
        len(assignments)
    )
    return np.asarray(table[np.argsort(ranks[numbers], kind="stable")])


def _table(rows: QuerySet[Any], *columns: str | Coalesce) -> Ints:
    iterator = rows.values_list(*columns).iterator(chunk_size=ROWS_AT_ONCE)
    parts = [ints(part) for part in iter(lambda: list(islice(iterator, ROWS_AT_ONCE)), [])]
    return np.concatenate(parts) if parts else np.zeros((0, len(columns)), dtype=np.int64)


def _is_newest(solutions: Ints, labelers: Ints, assignments: Ints) -> Bools:
    """Which entries belong to the newest assignment of their labeler at their solution; entries are by submission."""
    if not len(assignments):
        return np.zeros(0, dtype=np.bool_)
    keys = solutions * (int(labelers.max()) + 1) + labelers
    _, key_numbers = np.unique(keys, return_inverse=True)
    last = np.zeros(int(key_numbers.max()) + 1, dtype=np.int64)
    np.maximum.at(last, key_numbers, np.arange(len(assignments)))
    return np.asarray(assignments == assignments[last[key_numbers]], dtype=np.bool_)
