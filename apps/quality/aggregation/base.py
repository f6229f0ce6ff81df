"""What every rule is given and gives. Pure: the same ratings, the same labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import msgspec
import numpy as np

from apps.quality.statistics.ratings import Bools, Floats, Ints, Ratings


@dataclass(frozen=True, slots=True)
class Settlement:
    """One entry per step, and one per solution.

    `labels` are -1, 0 or 1, UNKNOWN where there is none; `first_errors` are positions, NO_ERROR or UNKNOWN. Each
    certainty is in [0, 1] and 0 where nothing is settled. `discarded`: the rule gives the solution up. `tied`: the step
    has ratings, and none of them is ahead.
    """

    labels: Ints
    certainty: Floats
    first_errors: Ints
    first_error_certainty: Floats
    discarded: Bools
    tied: Bools


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a rule. Whoever adds one adds its bounds with it."""


class Rule(Protocol):
    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]

    def settle(self, ratings: Ratings) -> Settlement: ...

    def raters_needed(self, required: Ints) -> Ints:
        """How many of the labelers whom a settled solution needs must have rated a step, lest its label be thin."""
        ...


def votes(ratings: Ratings) -> Ints:
    """How many say bad, okay and great of each step."""
    return ratings.reliability_data().counts()


def certainty_of(agreeing: Any, heard: Any) -> Floats:
    """How sure a label is that `agreeing` of `heard` labelers support: (k + 1/2) / (n + 1).

    It is the mean of the share of all possible labelers who would agree, after Jeffreys' prior: one voice of one is
    0.75 and three of three 0.875. Nobody's agreement with themselves is certainty, so it never reaches 1.
    """
    return np.asarray((np.asarray(agreeing) + 0.5) / (np.asarray(heard) + 1), dtype=np.float64)


def backing(ratings: Ratings, first_errors: Ints) -> Floats:
    """Of each solution: how sure its first error is, by the labelers who name it."""
    said = ratings.first_errors()
    behind = np.bincount(
        said.solutions, weights=said.errors == first_errors[said.solutions], minlength=ratings.solution_count
    )
    heard = np.bincount(said.solutions, minlength=ratings.solution_count)
    return certainty_of(behind, heard)
