"""Confidence intervals of coefficients, by the bootstrap over solutions. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from apps.core.statistics import wilson
from apps.quality.statistics.ratings import Floats, Ints

RESAMPLES = 1000
VANISHING = 1e-9
WEIGHTS_AT_ONCE = 2_000_000  # 16 MB.
FEW_KINDS = 0.1  # Of the rows: up to this share, kinds are drawn in place of rows.
Reader = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Measured:
    """A coefficient with its 95 % interval, and how many solutions it rests on. None: it is undefined."""

    value: float | None
    low: float | None
    high: float | None
    solutions: int


def measure(tallies: Floats, read: Reader, *, resamples: int = RESAMPLES, seed: int = 0) -> Measured:
    """The coefficient of the summed tallies (a row per solution), and the percentile interval (Efron 1979).

    A coefficient is a function of sums over solutions, so a resample is one weighted sum. Solutions whose tallies are all
    zero are left out. The same seed returns the same interval.

    Where all solutions agree, so do all resamples, and the interval would have no width. There it is Wilson's interval,
    of a share over the solutions that bear on the coefficient.
    """
    rows = tallies[tallies.any(axis=1)]
    with np.errstate(divide="ignore", invalid="ignore"):
        value = float(read(rows.sum(axis=0)))
        drawn = read(_resampled(rows, resamples, seed)) if len(rows) > 1 and resamples else np.array([])
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, (0.025, 0.975)) if len(drawn) else (np.nan, np.nan)
    if isfinite(value) and resamples and not high - low > VANISHING:
        with np.errstate(divide="ignore", invalid="ignore"):
            bearing = int(np.isfinite(read(rows)).sum()) or len(rows)
        bounds = wilson(min(1.0, max(0.0, value)) * bearing, bearing)
        low, high = min(value, bounds[0]), max(value, bounds[1])
    return Measured(_finite(value), _finite(low), _finite(high), len(rows))


def measure_share(tallies: Floats) -> Measured:
    """The mean over solutions of a share in [0, 1], a row each (the share and 1, or zeros); Wilson's interval.

    A solution counts as one observation, however many pairs or steps it holds. The interval always has a width.
    """
    rows = tallies[tallies.any(axis=1)]
    if not len(rows):
        return Measured(None, None, None, 0)
    total = float(rows[:, 0].sum())
    value, (low, high) = total / len(rows), wilson(total, len(rows))
    return Measured(value, min(value, low), max(value, high), len(rows))


def by_cluster(rows: Floats, clusters: Ints) -> Floats:
    """Rows (one per unit) summed by cluster."""
    count = int(clusters.max(initial=-1)) + 1
    summed = [np.bincount(clusters, weights=column, minlength=count) for column in rows.T]
    return np.stack(summed, axis=1) if summed else np.zeros((count, 0))


def _resampled(rows: Floats, resamples: int, seed: int) -> Floats:
    """The summed tallies of each resample.

    Most coefficients have few kinds of rows. How often each kind is drawn follows the multinomial distribution: for some dozens
    of kinds among many rows, that is 10 to 50 times as fast as drawing each row.
    """
    rng = np.random.default_rng(seed)
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    if len(kinds) <= min(len(rows) * FEW_KINDS, WEIGHTS_AT_ONCE / resamples):
        return rng.multinomial(len(rows), counts / len(rows), size=resamples).astype(np.float64) @ kinds
    return _drawn_one_by_one(rows, resamples, rng)


def _drawn_one_by_one(rows: Floats, resamples: int, rng: np.random.Generator) -> Floats:
    """Many resamples at a time: one product of matrices is five times as fast."""
    count, totals = len(rows), np.empty((resamples, rows.shape[1]))
    batch = max(1, WEIGHTS_AT_ONCE // count)
    for start in range(0, resamples, batch):
        size = min(batch, resamples - start)
        drawn = rng.integers(count, size=(size, count)) + np.arange(size)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)
        totals[start : start + size] = weights.astype(np.float64) @ rows
    return totals


def _finite(value: float) -> float | None:
    return float(value) if isfinite(value) else None
