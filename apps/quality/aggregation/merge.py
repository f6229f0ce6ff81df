"""What stands for each solution: the rule's word, with reviewers' words above it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from apps.corpus.labels import UNKNOWN
from apps.quality.aggregation.base import Rule, Settlement
from apps.quality.statistics.ratings import Bools, FirstErrors, Ints, Ratings, first_errors_of


@dataclass(frozen=True, slots=True)
class Outcomes:
    """By number, as in `ratings`. `adjudicated` says which steps and which solutions a reviewer's word decides.

    `said` are the labelers' first errors, in the order in which they came. `required` says of each solution how many
    labelers a settled label needs, and `raters_needed` how many of them must have rated a step.
    """

    ratings: Ratings
    solutions: Ints
    steps: Ints
    labelers: Ints
    settlement: Settlement
    adjudicated_steps: Bools
    adjudicated: Bools
    said: FirstErrors
    required: Ints
    raters_needed: Ints

    def heard(self) -> Ints:
        """How many labelers said anything of each solution."""
        return np.bincount(self.said.solutions, minlength=self.ratings.solution_count)

    def thin(self) -> Bools:
        """Solutions of which fewer labelers spoke than a settled label needs, and no reviewer.

        Whoever stops early is heard, and leaves the steps behind to the others: a solution whose first error rests on a
        step that too few rated is thin as well.
        """
        of_solution = self.ratings.solution_of_step()
        errors = self.settlement.first_errors[of_solution]
        positions = np.arange(len(of_solution)) - self.ratings.offsets[of_solution]
        is_needed = (errors < 0) | (positions <= errors)
        rests = np.zeros(self.ratings.solution_count, dtype=np.bool_)
        rests[of_solution[is_needed & self._few_raters()]] = True
        return (self._few_heard() | rests) & ~self.adjudicated

    def _few_heard(self) -> Bools:
        return np.asarray(self.heard() < self.required, dtype=np.bool_)

    def _few_raters(self) -> Bools:
        """Steps that fewer labelers rated than the rule wants."""
        return np.asarray(self.raters() < self.raters_needed[self.ratings.solution_of_step()], dtype=np.bool_)

    def raters(self) -> Ints:
        """How many labelers rated each step."""
        return np.bincount(self.ratings.steps, minlength=self.ratings.step_count)

    def thin_steps(self) -> Bools:
        """Steps of solutions of which too few spoke; and steps that too few of those rated.

        Who names an earlier first error says nothing of a later step: what the one rest says there is no majority.
        """
        few_heard = self._few_heard() & ~self.adjudicated
        return (few_heard[self.ratings.solution_of_step()] | self._few_raters()) & ~self.adjudicated_steps

    def tied(self) -> Bools:
        """Solutions whose first error hangs on a step with a tie."""
        unknown = self.settlement.labels == UNKNOWN
        if not self.ratings.solution_count:
            return np.zeros(0, dtype=np.bool_)
        places = np.where(unknown, np.arange(len(unknown)), len(unknown))
        first = np.minimum.reduceat(places, self.ratings.offsets[:-1])
        tied = np.append(self.settlement.tied, False)
        return np.asarray((self.settlement.first_errors == UNKNOWN) & tied[first], dtype=np.bool_)

    def words(self) -> Iterator[dict[str, int]]:
        """Of each solution: labelers by id, and their first errors, the earliest word first."""
        ends = np.searchsorted(self.said.solutions, np.arange(self.ratings.solution_count + 1)).tolist()
        labelers, errors = self.labelers[self.said.labelers].tolist(), self.said.errors.tolist()
        for start, end in pairwise(ends):
            yield {str(one): error for one, error in zip(labelers[start:end], errors[start:end], strict=True)}


def outcomes_of(
    ratings: Ratings,
    rule: Rule,
    adjudicated: Mapping[int, int],
    *,
    solutions: Ints,
    steps: Ints,
    labelers: Ints,
    required: Ints,
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
        told.tied & ~mine,
    )
    said = ratings.first_errors()
    needed = rule.raters_needed(required)
    return Outcomes(ratings, solutions, steps, labelers, merged, mine, by_reviewer, said, required, needed)
