"""Whether soft estimates mean what they say: of steps estimated at 0.7, are 70 % good, as people see them? Pure.

The same asks whether judges' confidence means what it says: of verdicts given with 0.9, are 90 % right?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.core.statistics import Proportion
from apps.quality.statistics.bootstrap import RESAMPLES, Measured, by_cluster, measure
from apps.quality.statistics.ratings import Bools, Floats, Ints

BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Estimates in [low, high), the last bin with its upper end. `mean` is None when it is empty."""

    low: float
    high: float
    mean: float | None
    good: Proportion


@dataclass(frozen=True, slots=True)
class Calibration:
    """`error` is the expected calibration error: the mean distance of a bin's estimate from its share of good steps.

    `brier` is the mean squared distance of an estimate from 0 or 1: 0.25 is what a constant one half has.
    """

    bins: list[Bin]
    error: Measured
    brier: Measured


def calibration(
    estimates: Floats, good: Bools, solutions: Ints, *, bins: int = BINS, resamples: int = RESAMPLES
) -> Calibration:
    """Of steps with both an estimate in [0, 1] and a label. Raises ValueError that names what is out of bounds."""
    if not len(estimates) == len(good) == len(solutions):
        raise ValueError("estimates, good and solutions must be of one length")
    if len(estimates) and not (estimates.min() >= 0 and estimates.max() <= 1):
        raise ValueError("estimates: outside of 0 to 1")
    places = np.minimum((estimates * bins).astype(np.int64), bins - 1)
    inside = np.eye(bins)[places]
    tallies = by_cluster(np.hstack((inside, inside * estimates[:, None], inside * good[:, None])), solutions)
    squares = by_cluster(np.column_stack(((estimates - good) ** 2, np.ones(len(good)))), solutions)
    return Calibration(
        _bins(tallies.sum(axis=0).reshape(3, bins)),
        measure(tallies, _read_error, resamples=resamples),
        measure(squares, _read_brier, resamples=resamples),
    )


def _bins(sums: Floats) -> list[Bin]:
    width = sums.shape[1]
    return [
        Bin(place / width, (place + 1) / width, total / count if count else None, Proportion(int(hits), int(count)))
        for place, (count, total, hits) in enumerate(sums.T.tolist())
    ]


def _read_error(tallies: Floats) -> Floats:
    """Naeini, Cooper and Hauskrecht 2015: sum of n_b / n x |mean estimate - share good|, and n_b cancels."""
    counts, estimated, good = np.split(tallies, 3, axis=-1)
    return np.asarray(np.abs(estimated - good).sum(axis=-1) / counts.sum(axis=-1))


def _read_brier(tallies: Floats) -> Floats:
    """Brier 1950, of good against bad."""
    return np.asarray(tallies[..., 0] / tallies[..., 1])
