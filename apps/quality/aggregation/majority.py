"""Of each step, what more labelers say than anything else."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from apps.corpus.labels import BAD, GREAT, OKAY, UNKNOWN, more_than_half
from apps.quality.aggregation.base import Options, Settlement, backing, certainty_of, votes
from apps.quality.statistics.ratings import Ints, Ratings, first_errors_of, ints


class MajorityOptions(Options, frozen=True):
    pass


def majority_labels(counts: Ints) -> Ints:
    """Of steps with so many who say bad, okay and great: `corpus.labels.majority` of each, for a million at once."""
    most = counts.max(axis=1)
    wins = (most > 0) & ((counts == most[:, None]).sum(axis=1) == 1)
    labels = np.where(wins, counts.argmax(axis=1) - 1, UNKNOWN)
    # Okay against great is no dispute about an error: it must not keep the first error open.
    good = (most > 0) & (counts[:, BAD + 1] < most) & (counts[:, OKAY + 1] == counts[:, GREAT + 1])
    return np.where(good, OKAY, labels)


class Majority:
    """A tie is no label, but okay against great is okay.

    The first error follows from the labels; how many named it is its certainty.
    """

    name: ClassVar[str] = "majority"
    title: ClassVar[str] = "Majority"
    about: ClassVar[str] = "The rating that most labelers gave the step. Ties of good and bad stay open."

    def __init__(self, options: MajorityOptions) -> None:
        self.options = options

    def settle(self, ratings: Ratings) -> Settlement:
        counts = votes(ratings)
        most, labels = counts.max(axis=1), majority_labels(counts)
        wins = labels != UNKNOWN
        first_errors = first_errors_of(labels, ratings.offsets)
        known = first_errors != UNKNOWN
        return Settlement(
            labels,
            np.where(wins, certainty_of(most, counts.sum(axis=1)), 0.0),
            first_errors,
            np.where(known, backing(ratings, first_errors), 0.0),
            np.zeros(ratings.solution_count, dtype=np.bool_),
            (most > 0) & ~wins,
        )

    def raters_needed(self, required: Ints) -> Ints:
        return ints(more_than_half(required))
