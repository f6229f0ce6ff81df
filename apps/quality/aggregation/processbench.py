"""ProcessBench's rule (arXiv:2412.06559): three labelers first, more until three name one first error, five at most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from apps.corpus.labels import BAD, GREAT, NO_ERROR, OKAY, UNKNOWN, more_than_half
from apps.quality.aggregation.base import AggregationResult, Options, certainty_of
from apps.quality.statistics.ratings import Bools, FirstErrors, Floats, Ints, Ratings, ints

LabelerCount = Annotated[int, msgspec.Meta(ge=1, le=99)]


class ProcessBenchOptions(Options, frozen=True):
    """`agreeing` labelers must name one first error, among the first `limit`."""

    agreeing: LabelerCount = 3
    limit: LabelerCount = 5

    def __post_init__(self) -> None:
        if self.agreeing > self.limit:
            raise ValueError("agreeing: must be at most limit")


class ProcessBenchState(StrEnum):
    SETTLED = "settled"
    OPEN = "open"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class ProcessBenchResult:
    """The state of one solution. `more_labelers` is how many more labelers to ask now, 0 unless the state is open.

    `first_error` is UNKNOWN unless the state is settled. `agreeing` of the `labelers` that the rule took name the most
    frequent first error; labelers who come after a solution was settled or given up change nothing.
    """

    state: ProcessBenchState
    first_error: int
    agreeing: int
    labelers: int
    more_labelers: int


def processbench_result(first_errors: Sequence[int], options: ProcessBenchOptions | None = None) -> ProcessBenchResult:
    """The state of one solution, from its labelers' first errors in the order of submission.

    A labeler whose first error is UNKNOWN counts as one who was asked and agrees with no other. A solution on which the
    remaining labelers can no longer reach agreement is given up at once.
    """
    rule = options or ProcessBenchOptions()
    named: Counter[int] = Counter()
    agreeing = labelers = 0
    for labelers, first_error in enumerate(first_errors[: rule.limit], start=1):
        if first_error != UNKNOWN:
            named[first_error] += 1
            agreeing = max(agreeing, named[first_error])
        if agreeing >= rule.agreeing:
            return ProcessBenchResult(ProcessBenchState.SETTLED, first_error, agreeing, labelers, 0)
        if rule.agreeing - agreeing > rule.limit - labelers:
            return ProcessBenchResult(ProcessBenchState.DISCARDED, UNKNOWN, agreeing, labelers, 0)
    return ProcessBenchResult(ProcessBenchState.OPEN, UNKNOWN, agreeing, labelers, max(rule.agreeing - labelers, 1))


class ProcessBench:
    """A step before the first error is great if more than half of those who agree rate it so, else okay."""

    name: ClassVar[str] = "processbench"
    title: ClassVar[str] = "ProcessBench"
    about: ClassVar[str] = (
        "Three labelers who name the same first error, among at most five; otherwise the solution is given up."
    )

    def __init__(self, options: ProcessBenchOptions) -> None:
        self.options = options

    def aggregate(self, ratings: Ratings) -> AggregationResult:
        named = ratings.first_errors()
        first_errors, certainty, discarded = self._first_errors(named)
        labels = self._labels(ratings, named, first_errors)
        return AggregationResult(
            labels,
            np.where(labels != UNKNOWN, certainty[ratings.solution_of_step()], 0.0),
            first_errors,
            certainty,
            discarded,
            np.zeros(ratings.step_count, dtype=np.bool_),
        )

    def raters_needed(self, required: Ints) -> Ints:
        return ints(more_than_half(required))

    def _first_errors(self, named: FirstErrors) -> tuple[Ints, Floats, Bools]:
        """Of each solution: its first error, the certainty of it, and whether it is given up."""
        first_errors = np.full(named.solution_count, UNKNOWN)
        certainty = np.zeros(named.solution_count)
        discarded = np.zeros(named.solution_count, dtype=np.bool_)
        ends = np.searchsorted(named.solutions, np.arange(named.solution_count + 1)).tolist()
        errors = named.errors.tolist()
        for solution in np.unique(named.solutions).tolist():
            result = processbench_result(errors[ends[solution] : ends[solution + 1]], self.options)
            first_errors[solution] = result.first_error
            if result.state is ProcessBenchState.SETTLED:
                certainty[solution] = certainty_of(result.agreeing, result.labelers)
            discarded[solution] = result.state is ProcessBenchState.DISCARDED
        return first_errors, certainty, discarded

    def _labels(self, ratings: Ratings, named: FirstErrors, first_errors: Ints) -> Ints:
        """The labels of steps, from the ratings of the labelers who name the first error that was settled on."""
        agrees = np.zeros((ratings.solution_count, max(1, ratings.labeler_count)), dtype=np.bool_)
        agrees[named.solutions, named.labelers] = named.errors == first_errors[named.solutions]
        agrees[first_errors == UNKNOWN] = False
        solutions = ratings.solution_of_step()
        is_counted = agrees[solutions[ratings.steps], ratings.labelers]
        steps, is_great = ratings.steps[is_counted], ratings.ratings[is_counted] == GREAT
        rater_counts = np.bincount(steps, minlength=ratings.step_count)
        great_counts = np.bincount(steps, weights=is_great, minlength=ratings.step_count)
        labels = np.where(rater_counts == 0, UNKNOWN, np.where(great_counts * 2 > rater_counts, GREAT, OKAY))
        with_error = np.flatnonzero(first_errors > NO_ERROR)
        labels[ratings.offsets[with_error] + first_errors[with_error]] = BAD
        positions = np.arange(ratings.step_count) - ratings.offsets[solutions]
        ends = first_errors[solutions]
        return np.where((ends > NO_ERROR) & (positions > ends), UNKNOWN, labels)
