"""The consensus of each solution: the rule's labels, overridden by those that reviewers adjudicated. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from apps.corpus.labels import UNKNOWN
from apps.quality.aggregation.base import AggregationResult, Rule
from apps.quality.statistics.ratings import Bools, FirstErrors, Ints, Ratings, first_errors_of


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Labels by number, as in `ratings`; `solutions`, `steps` and `labelers` hold the ids of these numbers.

    `adjudicated_steps` and `adjudicated` mark the steps and the solutions that a reviewer decided. `named` are the
    labelers' first errors, in the order of submission. Of each solution, `required` is the number of labelers that a
    settled label needs, and `raters_needed` how many of them must have rated a step.
    """

    ratings: Ratings
    solutions: Ints
    steps: Ints
    labelers: Ints
    result: AggregationResult
    adjudicated_steps: Bools
    adjudicated: Bools
    named: FirstErrors
    required: Ints
    raters_needed: Ints

    def labeler_counts(self) -> Ints:
        """How many labelers rated any step of each solution."""
        return np.bincount(self.named.solutions, minlength=self.ratings.solution_count)

    def rater_counts(self) -> Ints:
        """How many labelers rated each step."""
        return np.bincount(self.ratings.steps, minlength=self.ratings.step_count)

    def thin(self) -> Bools:
        """Solutions that no reviewer decided, with fewer labelers than a settled label needs.

        A labeler who stops early rates only some of the steps. A solution is thin as well if its first error rests on a
        step that too few labelers rated.
        """
        of_solution = self.ratings.solution_of_step()
        errors = self.result.first_errors[of_solution]
        positions = np.arange(len(of_solution)) - self.ratings.offsets[of_solution]
        is_needed = (errors < 0) | (positions <= errors)
        rests_on_thin_step = np.zeros(self.ratings.solution_count, dtype=np.bool_)
        rests_on_thin_step[of_solution[is_needed & self._too_few_raters()]] = True
        return (self._too_few_labelers() | rests_on_thin_step) & ~self.adjudicated

    def thin_steps(self) -> Bools:
        """Steps of solutions with too few labelers, and steps that too few of the labelers rated.

        A labeler who names an earlier first error does not rate the later steps, and the few who do are not a majority.
        """
        too_few_labelers = self._too_few_labelers() & ~self.adjudicated
        is_thin = too_few_labelers[self.ratings.solution_of_step()] | self._too_few_raters()
        return is_thin & ~self.adjudicated_steps

    def _too_few_labelers(self) -> Bools:
        return np.asarray(self.labeler_counts() < self.required, dtype=np.bool_)

    def _too_few_raters(self) -> Bools:
        return np.asarray(self.rater_counts() < self.raters_needed[self.ratings.solution_of_step()], dtype=np.bool_)

    def tied(self) -> Bools:
        """Solutions whose first error depends on a tied step."""
        unknown = self.result.labels == UNKNOWN
        if not self.ratings.solution_count:
            return np.zeros(0, dtype=np.bool_)
        unknown_steps = np.where(unknown, np.arange(len(unknown)), len(unknown))
        first_unknown = np.minimum.reduceat(unknown_steps, self.ratings.offsets[:-1])
        tied_steps = np.append(self.result.tied, False)
        return np.asarray((self.result.first_errors == UNKNOWN) & tied_steps[first_unknown], dtype=np.bool_)

    def first_errors_by_labeler(self) -> Iterator[dict[str, int]]:
        """Of each solution: the labelers' ids with their first errors, in the order of submission."""
        ends = np.searchsorted(self.named.solutions, np.arange(self.ratings.solution_count + 1)).tolist()
        labelers, errors = self.labelers[self.named.labelers].tolist(), self.named.errors.tolist()
        for start, end in pairwise(ends):
            yield {str(pk): error for pk, error in zip(labelers[start:end], errors[start:end], strict=True)}


def merge_adjudicated(
    ratings: Ratings,
    rule: Rule,
    adjudicated: Mapping[int, int],
    *,
    solutions: Ints,
    steps: Ints,
    labelers: Ints,
    required: Ints,
) -> Outcomes:
    """The rule's labels, overridden by the `adjudicated` ratings, by step id.

    A reviewer decides a solution if its first error follows from labels some of which are adjudicated.
    """
    by_rule = rule.aggregate(ratings)
    is_adjudicated = np.array([pk in adjudicated for pk in steps.tolist()], dtype=np.bool_)
    labels, certainty = by_rule.labels.copy(), by_rule.certainty.copy()
    labels[is_adjudicated] = [adjudicated[pk] for pk in steps[is_adjudicated].tolist()]
    certainty[is_adjudicated] = 1.0
    is_touched = np.zeros(ratings.solution_count, dtype=np.bool_)
    is_touched[ratings.solution_of_step()[is_adjudicated]] = True
    first_errors = first_errors_of(labels, ratings.offsets)
    is_decided = is_touched & (first_errors != UNKNOWN)
    merged = AggregationResult(
        labels,
        certainty,
        np.where(is_touched, first_errors, by_rule.first_errors),
        np.where(is_decided, 1.0, np.where(is_touched, 0.0, by_rule.first_error_certainty)),
        by_rule.discarded & ~is_touched,
        by_rule.tied & ~is_adjudicated,
    )
    return Outcomes(
        ratings,
        solutions,
        steps,
        labelers,
        merged,
        is_adjudicated,
        is_decided,
        ratings.first_errors(),
        required,
        rule.raters_needed(required),
    )
