"""Exact bounds of a share: Clopper-Pearson's, and that of a finite pool of which a sample was examined. Pure.

Both invert a tail: the bound is the largest share under which so few hits, or fewer, have a probability above `error`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import exp, inf, lgamma, log, log1p

import numpy as np

HALVINGS = 50  # Of [0, 1]: to 1e-15.
TINY = 1e-300
PRECISION = 1e-15
MOST_TERMS = 100_000


def clopper_pearson(hits: float, trials: float, error: float = 0.05) -> tuple[float, float]:
    """The exact interval of hits / trials (Clopper and Pearson 1934), with `error` / 2 on each side; (0, 1) without trials.

    Its ends are quantiles of beta distributions, so hits need not be a whole number.
    """
    return lower_bound(hits, trials, error / 2), upper_bound(hits, trials, error / 2)


def lower_bound(hits: float, trials: float, error: float) -> float:
    """Clopper-Pearson's one-sided lower bound: the `error` quantile of Beta(hits, trials - hits + 1)."""
    _check(hits, trials, error)
    return beta_quantile(error, hits, trials - hits + 1) if hits > 0 else 0.0


@lru_cache(maxsize=1 << 16)
def upper_bound(hits: float, trials: float, error: float) -> float:
    """Clopper-Pearson's one-sided upper bound: the 1 - `error` quantile of Beta(hits + 1, trials - hits)."""
    _check(hits, trials, error)
    return 1.0 - beta_quantile(error, trials - hits, hits + 1) if hits < trials else 1.0


@lru_cache(maxsize=1 << 16)
def most_in_pool(hits: int, sample: int, pool: int, error: float) -> int:
    """The upper bound of how many of a `pool` are hits, when a random `sample` of it without replacement has `hits`.

    The largest K with P(X <= hits) > error, where X is hypergeometric: K hits in the pool, `sample` drawn (Katz 1953,
    Konijn 1973). For a pool without end, its share of the pool is Clopper-Pearson's one-sided upper bound.
    """
    _check(hits, sample, error)
    if not sample <= pool:
        raise ValueError(f"sample: must be between 0 and the pool's {pool}")
    low, high = hits, pool - (sample - hits)  # Of those not drawn, none or all are hits.
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _pool_tail(hits, middle, sample, pool) > error else (low, middle - 1)
    return low


def smallest_sample(is_enough: Callable[[int], bool], first: int, last: int) -> int | None:
    """The smallest size from `first` to `last` that is enough, where a larger one always is; None if `last` is not."""
    if first > last or not is_enough(last):
        return None
    low, high = first - 1, last
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if is_enough(middle) else (middle, high)
    return high


def beta_quantile(share: float, a: float, b: float) -> float:
    """The x with I_x(a, b) = share, by bisection."""
    low, high = 0.0, 1.0
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if incomplete_beta(middle, a, b) < share else (low, middle)
    return (low + high) / 2


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b) for 0 <= x <= 1 and a, b > 0, to about 1e-13.

    By its continued fraction (DLMF 8.17.22), which converges fast for x < (a + 1) / (a + b + 2), else by 1 - I_1-x(b, a).
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1.0 - incomplete_beta(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)) / a
    return front / _beta_fraction(x, a, b)


def _beta_fraction(x: float, a: float, b: float) -> float:
    """1 + d_1 / (1 + d_2 / (1 + ...)) by the modified method of Lentz (Thompson and Barnett 1986)."""
    value = c = 1.0
    d = 0.0
    for term in range(1, MOST_TERMS):
        m = term // 2
        if term % 2:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1.0 / ((1.0 + numerator * d) or TINY)
        c = (1.0 + numerator / c) or TINY
        value *= c * d
        if abs(c * d - 1.0) < PRECISION:
            return value
    raise ArithmeticError(f"the incomplete beta function of {x}, {a}, {b} did not converge")


def _pool_tail(most: int, hits: int, sample: int, pool: int) -> float:
    """P(X <= most) for the number X of hits in a sample without replacement."""
    first = max(0, sample - (pool - hits))
    if first > most:
        return 0.0
    logs = np.array(
        [
            _log_choose(hits, drawn) + _log_choose(pool - hits, sample - drawn)
            for drawn in range(first, min(most, hits, sample) + 1)
        ]
    )
    return float(np.exp(logs - _log_choose(pool, sample)).sum())


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) if 0 <= k <= n else -inf


def _check(hits: float, trials: float, error: float) -> None:
    if not 0 <= hits <= trials:
        raise ValueError(f"hits: must be between 0 and {trials}")
    if not 0 < error < 1:
        raise ValueError("error: must be between 0 and 1")
