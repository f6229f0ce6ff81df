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
from apps.quality.aggregation.base import Options, Settlement, certainty_of
from apps.quality.statistics.ratings import Bools, FirstErrors, Floats, Ints, Ratings, ints

Number = Annotated[int, msgspec.Meta(ge=1, le=99)]


class ProcessBenchOptions(Options, frozen=True):
    """`agreeing` labelers must name one first error, among the first `limit`."""

    agreeing: Number = 3
    limit: Number = 5

    def __post_init__(self) -> None:
        if self.agreeing > self.limit:
            raise ValueError("agreeing: more than limit, so that nothing would ever be settled")


class State(StrEnum):
    SETTLED = "settled"
    OPEN = "open"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a solution stands. `wanted`: how many labelers more to ask now, 0 unless open.

    `first_error` is UNKNOWN unless settled, `behind` is how many name what most name, `heard` how many words the
    rule took: what comes after it was met or given up changes nothing.
    """

    state: State
    first_error: int
    behind: int
    heard: int
    wanted: int


def standing(words: Sequence[int], options: ProcessBenchOptions | None = None) -> Standing:
    """Of one solution, from first errors in the order in which they came: met, more wanted, or given up.

    A labeler whose first error cannot be told (UNKNOWN) counts as heard and backs nobody. A solution on which the
    rest could not bring agreement any more is given up at once: asking them would cost labels and change nothing.
    """
    rule = options or ProcessBenchOptions()
    named: Counter[int] = Counter()
    behind = heard = 0
    for heard, word in enumerate(words[: rule.limit], start=1):
        if word != UNKNOWN:
            named[word] += 1
            behind = max(behind, named[word])
        if behind >= rule.agreeing:
            return Standing(State.SETTLED, word, behind, heard, 0)
        if rule.agreeing - behind > rule.limit - heard:
            return Standing(State.DISCARDED, UNKNOWN, behind, heard, 0)
    return Standing(State.OPEN, UNKNOWN, behind, heard, max(rule.agreeing - heard, 1))


class ProcessBench:
    """Steps before the first error take the mean of those who agree: great when more than half say so, else okay."""

    name: ClassVar[str] = "processbench"
    title: ClassVar[str] = "ProcessBench"
    about: ClassVar[str] = "Three who name the same first error, among at most five; else the solution is given up."

    def __init__(self, options: ProcessBenchOptions) -> None:
        self.options = options

    def settle(self, ratings: Ratings) -> Settlement:
        said = ratings.first_errors()
        first_errors, certainty, discarded = self._stand(said)
        labels = self._labels(ratings, said, first_errors)
        of_steps = certainty[ratings.solution_of_step()]
        return Settlement(
            labels,
            np.where(labels != UNKNOWN, of_steps, 0.0),
            first_errors,
            certainty,
            discarded,
            np.zeros(ratings.step_count, dtype=np.bool_),
        )

    def raters_needed(self, required: Ints) -> Ints:
        return ints(more_than_half(required))

    def _stand(self, said: FirstErrors) -> tuple[Ints, Floats, Bools]:
        first_errors = np.full(said.solution_count, UNKNOWN)
        certainty = np.zeros(said.solution_count)
        discarded = np.zeros(said.solution_count, dtype=np.bool_)
        ends = np.searchsorted(said.solutions, np.arange(said.solution_count + 1)).tolist()
        words = said.errors.tolist()
        for solution in np.unique(said.solutions).tolist():
            stands = standing(words[ends[solution] : ends[solution + 1]], self.options)
            first_errors[solution] = stands.first_error
            if stands.state is State.SETTLED:
                certainty[solution] = certainty_of(stands.behind, stands.heard)
            discarded[solution] = stands.state is State.DISCARDED
        return first_errors, certainty, discarded

    def _labels(self, ratings: Ratings, said: FirstErrors, first_errors: Ints) -> Ints:
        """From the ratings of those who name the first error that stands."""
        agrees = np.zeros((ratings.solution_count, max(1, ratings.labeler_count)), dtype=np.bool_)
        agrees[said.solutions, said.labelers] = said.errors == first_errors[said.solutions]
        agrees[first_errors == UNKNOWN] = False
        solutions = ratings.solution_of_step()
        mine = agrees[solutions[ratings.steps], ratings.labelers]
        heard = np.bincount(ratings.steps[mine], minlength=ratings.step_count)
        praise = np.bincount(ratings.steps[mine], weights=ratings.ratings[mine] == GREAT, minlength=ratings.step_count)
        labels = np.where(heard == 0, UNKNOWN, np.where(praise * 2 > heard, GREAT, OKAY))
        bad = np.flatnonzero(first_errors > NO_ERROR)
        labels[ratings.offsets[bad] + first_errors[bad]] = BAD
        positions = np.arange(ratings.step_count) - ratings.offsets[solutions]
        ends = first_errors[solutions]
        return np.where((ends > NO_ERROR) & (positions > ends), UNKNOWN, labels)
