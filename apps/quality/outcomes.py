"""What stands for each solution: the rule's word, with reviewers' words above it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from apps.corpus.labels import UNKNOWN
from apps.quality.aggregation.base import Rule, Settlement
from apps.quality.ratings import Bools, FirstErrors, Ints, Ratings, first_errors_of


@dataclass(frozen=True, slots=True)
class Outcomes:
    """By number, as in `ratings`. `adjudicated` says which steps and which solutions a reviewer's word decides.

    `said` are the labelers' first errors, in the order in which they came.
    """

    ratings: Ratings
    solutions: Ints
    steps: Ints
    labelers: Ints
    settlement: Settlement
    adjudicated_steps: Bools
    adjudicated: Bools
    said: FirstErrors

    def heard(self) -> Ints:
        """How many labelers said anything of each solution."""
        return np.bincount(self.said.solutions, minlength=self.ratings.solution_count)

    def words(self) -> Iterator[dict[str, int]]:
        """Of each solution: labelers by id, and their first errors, the earliest word first."""
        ends = np.searchsorted(self.said.solutions, np.arange(self.ratings.solution_count + 1)).tolist()
        labelers, errors = self.labelers[self.said.labelers].tolist(), self.said.errors.tolist()
        for start, end in pairwise(ends):
            yield {str(one): error for one, error in zip(labelers[start:end], errors[start:end], strict=True)}


def outcomes_of(
    ratings: Ratings, rule: Rule, adjudicated: Mapping[int, int], *, solutions: Ints, steps: Ints, labelers: Ints
) -> Outcomes:
    """`adjudicated` are ratings by step id. A solution in which they decide the first error is theirs, whole."""
    told = rule.settle(ratings)
    mine = np.array([pk in adjudicated for pk in steps.tolist()], dtype=np.bool_)
    labels, certainty = told.labels.copy(), told.certainty.copy()
    labels[mine] = [adjudicated[pk] for pk in steps[mine].tolist()]
    certainty[mine] = 1.0
    touched = np.zeros(ratings.solution_count, dtype=np.bool_)
    touched[ratings.solution_of_step()[mine]] = True
    decided = first_errors_of(labels, ratings.offsets)
    by_reviewer = touched & (decided != UNKNOWN)
    merged = Settlement(
        labels,
        certainty,
        np.where(touched, decided, told.first_errors),
        np.where(by_reviewer, 1.0, np.where(touched, 0.0, told.first_error_certainty)),
        told.discarded & ~touched,
    )
    return Outcomes(ratings, solutions, steps, labelers, merged, mine, by_reviewer, ratings.first_errors())
