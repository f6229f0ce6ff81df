"""Labelers' ratings as flat arrays: a million ratings take milliseconds. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apps.corpus.labels import BAD, GREAT, NO_ERROR, UNKNOWN

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CLASSES = 3  # Rating r is class r + 1.
_FAR = np.iinfo(np.int64).max


def ints(values: Any) -> Ints:
    return np.ascontiguousarray(values, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class ReliabilityData:
    """Krippendorff's reliability data: which labeler gave which unit which value (0 to `value_count` - 1).

    Any of it may be missing. `clusters` holds the cluster of each unit: the steps of one solution are not independent,
    so intervals resample solutions.
    """

    units: Ints
    labelers: Ints
    values: Ints
    clusters: Ints
    value_count: int

    def counts(self) -> Ints:
        """How often each unit has each value, as an array of units by values."""
        shape = (len(self.clusters), self.value_count)
        flat = np.bincount(self.units * self.value_count + self.values, minlength=shape[0] * shape[1])
        return flat.reshape(shape).astype(np.int64)


@dataclass(frozen=True, slots=True)
class FirstErrors:
    """One entry per solution and labeler, by solution, then in the order of submission."""

    solutions: Ints
    labelers: Ints
    errors: Ints  # A position, NO_ERROR or UNKNOWN.
    solution_count: int

    def reliability_data(self) -> ReliabilityData:
        """The known first errors, as values: 0 is no error, p + 1 an error at position p."""
        known = self.errors != UNKNOWN
        errors = self.errors[known]
        return ReliabilityData(
            self.solutions[known],
            self.labelers[known],
            errors - NO_ERROR,
            np.arange(self.solution_count),
            int(errors.max(initial=NO_ERROR)) + 2,
        )


@dataclass(frozen=True, slots=True)
class Ratings:
    """One entry per rating. Solution s holds the steps offsets[s] to offsets[s + 1] - 1, at least one.

    Unsure, unrated and unreached steps have no entry. Entries are in the order of submission.
    """

    steps: Ints
    labelers: Ints
    ratings: Ints
    offsets: Ints
    labeler_count: int

    @classmethod
    def of(cls, steps: Any, labelers: Any, ratings: Any, offsets: Any, labeler_count: int | None = None) -> Ratings:
        """Ratings from any sequences. Raises ValueError, which names the invalid array."""
        labeler_numbers = ints(labelers)
        if labeler_count is None:
            labeler_count = int(labeler_numbers.max(initial=-1)) + 1
        checked = cls(ints(steps), labeler_numbers, ints(ratings), ints(offsets), labeler_count)
        checked.check()
        return checked

    def check(self) -> None:
        if not len(self.steps) == len(self.labelers) == len(self.ratings):
            raise ValueError("steps, labelers and ratings must be of one length")
        if len(self.offsets) == 0 or self.offsets[0] != 0 or (np.diff(self.offsets) <= 0).any():
            raise ValueError("offsets: must begin with 0 and rise, as every solution has a step")
        if len(self.steps) and not (self.steps.min() >= 0 and self.steps.max() < self.step_count):
            raise ValueError("steps: must be between 0 and the number of steps - 1")
        if len(self.steps) and not (self.labelers.min() >= 0 and self.labelers.max() < self.labeler_count):
            raise ValueError("labelers: must be between 0 and labeler_count - 1")
        if len(self.steps) and not (self.ratings.min() >= BAD and self.ratings.max() <= GREAT):
            raise ValueError("ratings: must be -1, 0 or 1")

    @property
    def step_count(self) -> int:
        return int(self.offsets[-1])

    @property
    def solution_count(self) -> int:
        return len(self.offsets) - 1

    def solution_of_step(self) -> Ints:
        return np.repeat(np.arange(self.solution_count), np.diff(self.offsets))

    def where(self, mask: Bools) -> Ratings:
        """The entries under the mask; steps, solutions and labelers keep their numbers."""
        return Ratings(self.steps[mask], self.labelers[mask], self.ratings[mask], self.offsets, self.labeler_count)

    def reliability_data(self) -> ReliabilityData:
        """Of steps, as values 0 bad, 1 okay, 2 great."""
        return ReliabilityData(self.steps, self.labelers, self.ratings + 1, self.solution_of_step(), CLASSES)

    def first_errors(self) -> FirstErrors:
        """The first error that each labeler names in each solution. Raises ValueError if a labeler rates a step twice."""
        solutions = self.solution_of_step()[self.steps]
        positions = self.steps - self.offsets[solutions]
        keys = solutions * max(1, self.labeler_count) + self.labelers
        order = np.lexsort((positions, keys))
        keys, positions, ratings = keys[order], positions[order], self.ratings[order]
        if ((np.diff(keys) == 0) & (np.diff(positions) == 0)).any():
            raise ValueError("labelers: one rates a step twice; pass one assignment of each labeler")
        starts = _run_starts(keys)
        rated_solutions, labelers = solutions[order][starts], self.labelers[order][starts]
        errors = _first_errors_of_runs(positions, ratings, starts, np.diff(self.offsets)[rated_solutions])
        submitted = np.minimum.reduceat(order, starts) if len(starts) else starts
        by_time = np.lexsort((submitted, rated_solutions))
        return FirstErrors(rated_solutions[by_time], labelers[by_time], errors[by_time], self.solution_count)


def first_errors_of(labels: Ints, offsets: Ints) -> Ints:
    """Per solution, from one label per step: `corpus.labels.first_error` for a million steps at once."""
    labeled = np.flatnonzero(labels != UNKNOWN)
    solutions = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[labeled]
    starts = _run_starts(solutions)
    errors = np.full(len(offsets) - 1, UNKNOWN)
    labeled_solutions = solutions[starts]
    errors[labeled_solutions] = _first_errors_of_runs(
        labeled - offsets[solutions], labels[labeled], starts, np.diff(offsets)[labeled_solutions]
    )
    return errors


def _run_starts(keys: Ints) -> Ints:
    """Where each run of equal keys begins."""
    if not len(keys):
        return ints([])
    return np.concatenate(([0], np.flatnonzero(np.diff(keys)) + 1))


def _first_errors_of_runs(positions: Ints, ratings: Ints, starts: Ints, lengths: Ints) -> Ints:
    """Of each run: its first bad position, unless a position before it is missing. `lengths` are those of the solutions."""
    if not len(starts):
        return ints([])
    sizes = np.diff(np.append(starts, len(positions)))
    ranks = np.arange(len(positions)) - np.repeat(starts, sizes)
    bad = np.minimum.reduceat(np.where(ratings == BAD, positions, _FAR), starts)
    gap = np.minimum.reduceat(np.where(positions != ranks, ranks, _FAR), starts)
    gap = np.minimum(gap, np.where(sizes < lengths, sizes, _FAR))
    return np.where(bad < gap, bad, np.where(gap == _FAR, NO_ERROR, UNKNOWN))
