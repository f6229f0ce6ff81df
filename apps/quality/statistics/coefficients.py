"""Agreement beyond chance: Cohen's and Fleiss's kappa, Krippendorff's alpha. Pure.

Each coefficient consists of tallies, which are additive over solutions, and of a function that reads it from the summed
tallies, with any number of leading axes. Where all values are the same, chance agreement is complete and the coefficient
is NaN. For why no library is used see docs/quality.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from apps.quality.statistics.bootstrap import Reader, by_cluster
from apps.quality.statistics.ratings import Floats, Ints, ReliabilityData

# --- Cohen ------------------------------------------------------------------------------------------------


def confusions(first: Ints, second: Ints, clusters: Ints, values: int) -> Floats:
    """How often the first value is c and the second k, by cluster, flattened to values * values columns."""
    count, cells = int(clusters.max(initial=-1)) + 1, values * values
    flat = np.bincount(clusters * cells + first * values + second, minlength=count * cells)
    return flat.reshape(count, cells).astype(np.float64)


def read_cohen(tallies: Floats) -> Floats:
    """Cohen 1960: (p_o - p_e) / (1 - p_e), with chance from each one's own marginals."""
    table = _square(tallies)
    total = table.sum(axis=(-2, -1))
    observed = np.trace(table, axis1=-2, axis2=-1) / total
    chance = (table.sum(axis=-1) * table.sum(axis=-2)).sum(axis=-1) / total**2
    return np.asarray((observed - chance) / (1 - chance))


def read_accuracy(tallies: Floats) -> Floats:
    """The share of units with the same value from both."""
    table = _square(tallies)
    return np.asarray(np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1)))


# --- Fleiss -----------------------------------------------------------------------------------------------


def fleiss_tallies(reliability_data: ReliabilityData) -> Floats:
    """Per cluster: the sum of P_i, the number of units, and how often each value occurs.

    Units with a value from one labeler alone do not count. The number of labelers may differ between units; where it does
    not, the result is Fleiss's own kappa.
    """
    counts, clusters = _pairable(reliability_data)
    raters = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (raters * (raters - 1))
    return by_cluster(np.column_stack((agreeing, np.ones(len(counts)), counts)), clusters)


def read_fleiss(tallies: Floats) -> Floats:
    """Fleiss 1971: (P - P_e) / (1 - P_e), with chance from the marginals of all."""
    observed = tallies[..., 0] / tallies[..., 1]
    totals = tallies[..., 2:]
    chance = ((totals / totals.sum(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return np.asarray((observed - chance) / (1 - chance))


# --- Krippendorff -----------------------------------------------------------------------------------------


def coincidences(reliability_data: ReliabilityData) -> Floats:
    """Krippendorff's coincidence matrix by cluster, flattened: each pair of values within a unit counts 1 / (m - 1)."""
    counts, clusters = _pairable(reliability_data)
    raters = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(reliability_data.value_count)
    return by_cluster(
        (pairs / (raters - 1)[:, None, None]).reshape(len(counts), reliability_data.value_count**2), clusters
    )


def read_alpha(metric: str) -> Reader:
    """Krippendorff's alpha = 1 - D_o / D_e for `nominal`, `ordinal` or `interval` values."""
    return partial(_alpha, _DISTANCES[metric])


def _alpha(distances: Callable[[Floats], Floats], tallies: Floats) -> Floats:
    table = _square(tallies)
    totals = table.sum(axis=-1)
    distance = distances(totals)
    observed = (table * distance).sum(axis=(-2, -1))
    chance = (totals[..., :, None] * totals[..., None, :] * distance).sum(axis=(-2, -1))
    return np.asarray(1 - (totals.sum(axis=-1) - 1) * observed / chance)


def _interval(totals: Floats) -> Floats:
    values = np.arange(totals.shape[-1], dtype=np.float64)
    return np.asarray((values[:, None] - values[None, :]) ** 2)


def _ordinal(totals: Floats) -> Floats:
    """How many values lie between two: (n_c / 2 + n_between + n_k / 2) squared."""
    middles = np.cumsum(totals, axis=-1) - totals / 2
    return np.asarray((middles[..., :, None] - middles[..., None, :]) ** 2)


_DISTANCES: dict[str, Callable[[Floats], Floats]] = {
    "nominal": lambda totals: 1 - np.eye(totals.shape[-1]),
    "ordinal": _ordinal,
    "interval": _interval,
}


def _pairable(reliability_data: ReliabilityData) -> tuple[Floats, Ints]:
    """Counts and clusters of the units with values from two or more labelers."""
    counts = reliability_data.counts()
    pairable = counts.sum(axis=1) > 1
    return counts[pairable].astype(np.float64), reliability_data.clusters[pairable]


def _square(tallies: Floats) -> Floats:
    side = round(tallies.shape[-1] ** 0.5)
    return tallies.reshape(*tallies.shape[:-1], side, side)
