"""The interface of aggregation rules, which make one label out of several ratings. Pure: no clock, no randomness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import msgspec
import numpy as np

from apps.quality.statistics.ratings import Bools, Floats, Ints, Ratings


@dataclass(frozen=True, slots=True)
class AggregationResult:
    """One entry per step, and one per solution.

    `labels` are -1, 0 or 1, or UNKNOWN where there is none; `first_errors` are positions, NO_ERROR or UNKNOWN. Each
    certainty is in [0, 1], and 0 where the label is unknown. `discarded`: the rule gives the solution up. `tied`: the
    step has ratings, but no majority.
    """

    labels: Ints
    certainty: Floats
    first_errors: Ints
    first_error_certainty: Floats
    discarded: Bools
    tied: Bools


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a rule. Each setting declares its bounds."""


class Rule(Protocol):
    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]

    def aggregate(self, ratings: Ratings) -> AggregationResult: ...

    def raters_needed(self, required: Ints) -> Ints:
        """How many of the `required` labelers of each solution must have rated a step for its label not to be thin."""
        ...


def certainty_of(agreeing: Any, labelers: Any) -> Floats:
    """The certainty of a label that `agreeing` of `labelers` support: (k + 1/2) / (n + 1).

    It is the mean of the share of all possible labelers who would agree, under Jeffreys' prior: 0.75 for one of one and
    0.875 for three of three. It never reaches 1, as no number of labelers who agree proves a label.
    """
    return np.asarray((np.asarray(agreeing) + 0.5) / (np.asarray(labelers) + 1), dtype=np.float64)


def first_error_certainty(ratings: Ratings, first_errors: Ints) -> Floats:
    """The certainty of each solution's first error, by the number of labelers who name it."""
    named = ratings.first_errors()
    agreeing = np.bincount(
        named.solutions, weights=named.errors == first_errors[named.solutions], minlength=ratings.solution_count
    )
    labelers = np.bincount(named.solutions, minlength=ratings.solution_count)
    return certainty_of(agreeing, labelers)
