"""The majority rule: each step gets the rating that more labelers gave it than any other."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from apps.corpus.labels import BAD, GREAT, OKAY, UNKNOWN, more_than_half
from apps.quality.aggregation.base import AggregationResult, Options, certainty_of, first_error_certainty
from apps.quality.statistics.ratings import Ints, Ratings, first_errors_of, ints


class MajorityOptions(Options, frozen=True):
    pass


def majority_labels(counts: Ints) -> Ints:
    """The majority of each step: `corpus.labels.majority` for a million steps at once.

    `counts` has a row per step: how many labelers rated it bad, okay and great.
    """
    highest = counts.max(axis=1)
    has_majority = (highest > 0) & ((counts == highest[:, None]).sum(axis=1) == 1)
    labels = np.where(has_majority, counts.argmax(axis=1) - 1, UNKNOWN)
    # A tie of okay and great is not a dispute about an error and must not keep the first error open.
    is_good_tie = (highest > 0) & (counts[:, BAD + 1] < highest) & (counts[:, OKAY + 1] == counts[:, GREAT + 1])
    return np.where(is_good_tie, OKAY, labels)


class Majority:
    """A tie has no label, but a tie of okay and great is okay.

    The first error follows from the labels; its certainty from the number of labelers who name it.
    """

    name: ClassVar[str] = "majority"
    title: ClassVar[str] = "Majority"
    about: ClassVar[str] = "The rating that most labelers gave the step. Ties of good and bad stay open."

    def __init__(self, options: MajorityOptions) -> None:
        self.options = options

    def aggregate(self, ratings: Ratings) -> AggregationResult:
        counts = ratings.reliability_data().counts()
        highest, labels = counts.max(axis=1), majority_labels(counts)
        is_labeled = labels != UNKNOWN
        first_errors = first_errors_of(labels, ratings.offsets)
        return AggregationResult(
            labels,
            np.where(is_labeled, certainty_of(highest, counts.sum(axis=1)), 0.0),
            first_errors,
            np.where(first_errors != UNKNOWN, first_error_certainty(ratings, first_errors), 0.0),
            np.zeros(ratings.solution_count, dtype=np.bool_),
            (highest > 0) & ~is_labeled,
        )

    def raters_needed(self, required: Ints) -> Ints:
        return ints(more_than_half(required))
