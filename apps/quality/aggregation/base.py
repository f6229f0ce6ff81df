"""What every rule is given and gives. Pure: the same ratings, the same labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import msgspec
import numpy as np

from apps.quality.ratings import Bools, Floats, Ints, Ratings


@dataclass(frozen=True, slots=True)
class Settlement:
    """One entry per step, and one per solution.

    `labels` are -1, 0 or 1, UNKNOWN where there is none; `first_errors` are positions, NO_ERROR or UNKNOWN. Each
    certainty is in [0, 1] and 0 where nothing is settled. `discarded`: the rule gives the solution up.
    """

    labels: Ints
    certainty: Floats
    first_errors: Ints
    first_error_certainty: Floats
    discarded: Bools


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a rule. Whoever adds one adds its bounds with it."""


class Rule(Protocol):
    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]

    def settle(self, ratings: Ratings) -> Settlement: ...


def votes(ratings: Ratings) -> Ints:
    """How many say bad, okay and great of each step."""
    return ratings.sayings().counts()


def backing(ratings: Ratings, first_errors: Ints) -> Floats:
    """Of each solution: the share of its labelers who name this first error."""
    said = ratings.first_errors()
    behind = np.bincount(
        said.solutions, weights=said.errors == first_errors[said.solutions], minlength=ratings.solution_count
    )
    heard = np.bincount(said.solutions, minlength=ratings.solution_count)
    return np.asarray(behind / np.maximum(heard, 1), dtype=np.float64)
