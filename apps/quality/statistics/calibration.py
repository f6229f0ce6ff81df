"""Calibration of soft estimates: of steps estimated at 0.7, do people rate 70 % as good? Pure.

The same measure applies to judges' confidence: of verdicts with a confidence of 0.9, are 90 % right?
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.core.statistics import Proportion
from apps.quality.statistics.bootstrap import RESAMPLES, Measured, by_cluster, measure
from apps.quality.statistics.ratings import Bools, Floats, Ints

BINS = 10


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Estimates in [low, high); the last bin includes its upper end. `mean` is None if the bin is empty."""

    low: float
    high: float
    mean: float | None
    good: Proportion


@dataclass(frozen=True, slots=True)
class Calibration:
    """`error` is the expected calibration error: the mean distance of a bin's estimate from its share of good steps.

    `brier` is the mean squared distance of an estimate from 0 or 1; a constant estimate of one half has 0.25.
    """

    bins: list[CalibrationBin]
    error: Measured
    brier: Measured


def calibration(
    estimates: Floats, good: Bools, solutions: Ints, *, bins: int = BINS, resamples: int = RESAMPLES
) -> Calibration:
    """Of steps with both an estimate in [0, 1] and a label. Raises ValueError, which names the invalid array."""
    if not len(estimates) == len(good) == len(solutions):
        raise ValueError("estimates, good and solutions must be of one length")
    if len(estimates) and not (estimates.min() >= 0 and estimates.max() <= 1):
        raise ValueError("estimates: must be between 0 and 1")
    bin_numbers = np.minimum((estimates * bins).astype(np.int64), bins - 1)
    # For each solution and bin: steps, the sum of their estimates, and good steps.
    cells, shape = solutions * bins + bin_numbers, (int(solutions.max(initial=-1)) + 1, bins)
    weights = (np.ones(len(cells)), estimates, good)
    sums = [np.bincount(cells, weights=column, minlength=shape[0] * bins).reshape(shape) for column in weights]
    tallies = np.hstack(sums).astype(np.float64)
    squares = by_cluster(np.column_stack(((estimates - good) ** 2, np.ones(len(good)))), solutions)
    return Calibration(
        _bins(tallies.sum(axis=0).reshape(3, bins)),
        measure(tallies, _read_error, resamples=resamples),
        # Brier 1950, of good against bad.
        measure(squares, lambda sums: np.asarray(sums[..., 0] / sums[..., 1]), resamples=resamples),
    )


def _bins(sums: Floats) -> list[CalibrationBin]:
    width = sums.shape[1]
    return [
        CalibrationBin(
            number / width, (number + 1) / width, total / count if count else None, Proportion(int(hits), int(count))
        )
        for number, (count, total, hits) in enumerate(sums.T.tolist())
    ]


def _read_error(tallies: Floats) -> Floats:
    """Naeini, Cooper and Hauskrecht 2015: sum of n_b / n x |mean estimate - share good|, and n_b cancels."""
    counts, estimated, good = np.split(tallies, 3, axis=-1)
    return np.asarray(np.abs(estimated - good).sum(axis=-1) / counts.sum(axis=-1))
