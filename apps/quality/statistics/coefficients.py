"""Agreement beyond chance: Cohen's and Fleiss's kappa, Krippendorff's alpha. Pure.

Each comes as tallies, additive over solutions, and a reader of the summed tallies, which takes any number of leading
axes. Where all say one and the same value there is no chance to agree beyond, and the answer is not a number.
The well-kept library for alpha is under the GPL, and those for kappa bring pandas or scipy: see docs/quality.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from apps.quality.statistics.bootstrap import Reader, by_cluster
from apps.quality.statistics.ratings import Floats, Ints, ReliabilityData

# --- Cohen ------------------------------------------------------------------------------------------------


def confusions(first: Ints, second: Ints, clusters: Ints, values: int) -> Floats:
    """How often the first said c and the second k, by cluster, flattened to values * values columns."""
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
    """The share on which both say the same."""
    table = _square(tallies)
    return np.asarray(np.trace(table, axis1=-2, axis2=-1) / table.sum(axis=(-2, -1)))


# --- Fleiss -----------------------------------------------------------------------------------------------


def fleiss_tallies(reliability_data: ReliabilityData) -> Floats:
    """Per cluster: the sum of P_i, the number of units, and how often each value was said.

    Units that one labeler alone spoke of do not count. Their number may differ from unit to unit; where it does not,
    it is Fleiss's own kappa.
    """
    counts, clusters = _pairable(reliability_data)
    submitted = counts.sum(axis=1)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (submitted * (submitted - 1))
    return by_cluster(np.column_stack((agreeing, np.ones(len(counts)), counts)), clusters)


def read_fleiss(tallies: Floats) -> Floats:
    """Fleiss 1971: (P - P_e) / (1 - P_e), with chance from the marginals of all."""
    observed = tallies[..., 0] / tallies[..., 1]
    said = tallies[..., 2:]
    chance = ((said / said.sum(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return np.asarray((observed - chance) / (1 - chance))


# --- Krippendorff -----------------------------------------------------------------------------------------


def coincidences(reliability_data: ReliabilityData) -> Floats:
    """Krippendorff's coincidence matrix by cluster, flattened: each pair of values within a unit counts 1 / (m - 1)."""
    counts, clusters = _pairable(reliability_data)
    submitted = counts.sum(axis=1)
    pairs = counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(reliability_data.value_count)
    return by_cluster(
        (pairs / (submitted - 1)[:, None, None]).reshape(len(counts), reliability_data.value_count**2), clusters
    )


def read_alpha(metric: str) -> Reader:
    """Krippendorff's alpha = 1 - D_o / D_e for `nominal`, `ordinal` or `interval` values."""
    return partial(_alpha, _DISTANCES[metric])


def _alpha(distances: Callable[[Floats], Floats], tallies: Floats) -> Floats:
    table = _square(tallies)
    said = table.sum(axis=-1)
    apart = distances(said)
    observed = (table * apart).sum(axis=(-2, -1))
    chance = (said[..., :, None] * said[..., None, :] * apart).sum(axis=(-2, -1))
    return np.asarray(1 - (said.sum(axis=-1) - 1) * observed / chance)


def _nominal(said: Floats) -> Floats:
    return 1 - np.eye(said.shape[-1])


def _interval(said: Floats) -> Floats:
    values = np.arange(said.shape[-1], dtype=np.float64)
    return np.asarray((values[:, None] - values[None, :]) ** 2)


def _ordinal(said: Floats) -> Floats:
    """How many values lie between two: (n_c / 2 + n_between + n_k / 2) squared."""
    middles = np.cumsum(said, axis=-1) - said / 2
    return np.asarray((middles[..., :, None] - middles[..., None, :]) ** 2)


_DISTANCES: dict[str, Callable[[Floats], Floats]] = {"nominal": _nominal, "ordinal": _ordinal, "interval": _interval}


def _pairable(reliability_data: ReliabilityData) -> tuple[Floats, Ints]:
    """Counts and clusters of the units that two or more labelers spoke of."""
    counts = reliability_data.counts()
    pairable = counts.sum(axis=1) > 1
    return counts[pairable].astype(np.float64), reliability_data.clusters[pairable]


def _square(tallies: Floats) -> Floats:
    side = round(tallies.shape[-1] ** 0.5)
    return tallies.reshape(*tallies.shape[:-1], side, side)
