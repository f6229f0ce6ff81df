"""How often a random subset of n samples avoids some of them, and the subsets themselves. Pure."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np

from apps.quality.statistics.ratings import Floats, Ints


def subset_shares(counts: Ints, total: int, ns: Ints) -> Floats:
    """C(count, n) / C(total, n) for each count (rows) and each n <= total (columns).

    It is the probability that a random n-subset of `total` samples lies within `count` of them, as the product of
    (count - i) / (total - i) over i < n: factors between 0 and 1, so that nothing overflows or cancels.
    """
    drawn = np.arange(int(ns.max(initial=0)))
    factors = np.maximum(counts[:, None] - drawn, 0) / (total - drawn)
    products = np.cumprod(np.hstack((np.ones((len(counts), 1)), factors)), axis=1)
    return np.asarray(products[:, ns])


def subsets(total: int, size: int, *, most: int, rng: np.random.Generator) -> tuple[Ints, bool]:
    """All subsets of `size` out of `total` samples, a row each, if there are at most `most`; else `most` random ones.

    Also returns whether these are all.
    """
    if comb(total, size) <= most:
        return np.array(list(combinations(range(total), size)), dtype=np.int64), True
    ranks = rng.random((most, total)).argpartition(size - 1, axis=1)
    return np.asarray(ranks[:, :size], dtype=np.int64), False
