"""What labelers said, in flat arrays: a million ratings take milliseconds. Pure."""

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
    """Who said which value (0 to `value_count` - 1) of which unit: Krippendorff's reliability data, any of it missing.

    `clusters` names for each unit what it stands or falls with: the steps of one solution are no independent
    witnesses, so intervals resample solutions.
    """

    units: Ints
    labelers: Ints
    values: Ints
    clusters: Ints
    value_count: int

    def counts(self) -> Ints:
        """How often each value was said of each unit."""
        shape = (len(self.clusters), self.value_count)
        flat = np.bincount(self.units * self.value_count + self.values, minlength=shape[0] * shape[1])
        return flat.reshape(shape).astype(np.int64)

    def where(self, wanted: Bools) -> ReliabilityData:
        """The entries that are wanted; units keep their numbers."""
        return ReliabilityData(
            self.units[wanted], self.labelers[wanted], self.values[wanted], self.clusters, self.value_count
        )


@dataclass(frozen=True, slots=True)
class FirstErrors:
    """One entry per solution and labeler, by solution, then by the order in which they spoke."""

    solutions: Ints
    labelers: Ints
    errors: Ints  # A position, NO_ERROR or UNKNOWN.
    solution_count: int

    def reliability_data(self) -> ReliabilityData:
        """Those that can be told, as values: 0 is no error, p + 1 an error at position p."""
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

    Unsure, not judged and unreached steps have no entry. Entries stand in the order in which they were submitted.
    """

    steps: Ints
    labelers: Ints
    ratings: Ints
    offsets: Ints
    labeler_count: int

    @classmethod
    def of(cls, steps: Any, labelers: Any, ratings: Any, offsets: Any, labeler_count: int | None = None) -> Ratings:
        """Checked. Raises ValueError that names what is wrong."""
        said = cls(ints(steps), ints(labelers), ints(ratings), ints(offsets), 0)
        most = int(said.labelers.max(initial=-1)) + 1
        said = cls(
            said.steps, said.labelers, said.ratings, said.offsets, most if labeler_count is None else labeler_count
        )
        said.check()
        return said

    def check(self) -> None:
        if not len(self.steps) == len(self.labelers) == len(self.ratings):
            raise ValueError("steps, labelers and ratings must be of one length")
        if len(self.offsets) == 0 or self.offsets[0] != 0 or (np.diff(self.offsets) <= 0).any():
            raise ValueError("offsets: must begin with 0 and rise: every solution has a step")
        if len(self.steps) and not (self.steps.min() >= 0 and self.steps.max() < self.step_count):
            raise ValueError("steps: outside of the solutions")
        if len(self.steps) and not (self.labelers.min() >= 0 and self.labelers.max() < self.labeler_count):
            raise ValueError("labelers: outside of 0 to labeler_count - 1")
        if len(self.steps) and not (self.ratings.min() >= BAD and self.ratings.max() <= GREAT):
            raise ValueError("ratings: not -1, 0 or 1")

    @property
    def step_count(self) -> int:
        return int(self.offsets[-1])

    @property
    def solution_count(self) -> int:
        return len(self.offsets) - 1

    def solution_of_step(self) -> Ints:
        return np.repeat(np.arange(self.solution_count), np.diff(self.offsets))

    def where(self, wanted: Bools) -> Ratings:
        """The entries that are wanted; steps, solutions and labelers keep their numbers."""
        return Ratings(
            self.steps[wanted], self.labelers[wanted], self.ratings[wanted], self.offsets, self.labeler_count
        )

    def reliability_data(self) -> ReliabilityData:
        """Of steps, as values 0 bad, 1 okay, 2 great."""
        return ReliabilityData(self.steps, self.labelers, self.ratings + 1, self.solution_of_step(), CLASSES)

    def first_errors(self) -> FirstErrors:
        """What each labeler says of each solution. Raises ValueError when somebody rates a step twice."""
        solutions = self.solution_of_step()[self.steps]
        positions = self.steps - self.offsets[solutions]
        assignments = solutions * max(1, self.labeler_count) + self.labelers
        order = np.lexsort((positions, assignments))
        assignments, positions, ratings = assignments[order], positions[order], self.ratings[order]
        if ((np.diff(assignments) == 0) & (np.diff(positions) == 0)).any():
            raise ValueError("labelers: somebody rates a step twice; give one turn of each labeler")
        starts = _starts(assignments)
        submitted = solutions[order][starts]
        errors = _first_bad(positions, ratings, starts, np.diff(self.offsets)[submitted])
        arrival = np.minimum.reduceat(order, starts) if len(starts) else starts
        by_time = np.lexsort((arrival, submitted))
        labelers = self.labelers[order][starts]
        return FirstErrors(submitted[by_time], labelers[by_time], errors[by_time], self.solution_count)


def first_errors_of(labels: Ints, offsets: Ints) -> Ints:
    """Per solution, of one label per step: the first bad one, NO_ERROR, or UNKNOWN behind a step without a label."""
    labeled = np.flatnonzero(labels != UNKNOWN)
    solutions = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[labeled]
    starts = _starts(solutions)
    errors = np.full(len(offsets) - 1, UNKNOWN)
    submitted = solutions[starts]
    errors[submitted] = _first_bad(labeled - offsets[solutions], labels[labeled], starts, np.diff(offsets)[submitted])
    return errors


def _starts(keys: Ints) -> Ints:
    """Where each run of equal keys begins."""
    if not len(keys):
        return ints([])
    return np.concatenate(([0], np.flatnonzero(np.diff(keys)) + 1))


def _first_bad(positions: Ints, ratings: Ints, starts: Ints, lengths: Ints) -> Ints:
    """Of each run: its first bad position, unless a position before it is missing."""
    if not len(starts):
        return ints([])
    sizes = np.diff(np.append(starts, len(positions)))
    ranks = np.arange(len(positions)) - np.repeat(starts, sizes)
    bad = np.minimum.reduceat(np.where(ratings == BAD, positions, _FAR), starts)
    gap = np.minimum.reduceat(np.where(positions != ranks, ranks, _FAR), starts)
    gap = np.minimum(gap, np.where(sizes < lengths, sizes, _FAR))
    return np.where(bad < gap, bad, np.where(gap == _FAR, NO_ERROR, UNKNOWN))
