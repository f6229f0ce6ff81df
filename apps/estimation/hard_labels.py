"""How wrong hard labels are, by the number of rollouts. Pure."""

from __future__ import annotations

from math import log


def false_bad(p: float, rollouts: int) -> float:
    """How often a good step gets a bad hard label, if a rollout from it succeeds with probability `p`."""
    return float((1 - p) ** rollouts)


def false_good(q: float, rollouts: int) -> float:
    """How often a bad step gets a good hard label, if a rollout from it succeeds with probability `q`."""
    return float(1 - (1 - q) ** rollouts)


def most_useful_rollouts(p: float, q: float, good: float) -> float | None:
    """N*: each rollout beyond it makes hard labels worse, if a share `good` of the steps is good.

    One more rollout corrects good p (1-p)^N of the labels and corrupts (1 - good) q (1-q)^N; N* is where both are equal:
    ln(good p / ((1 - good) q)) / ln((1 - q) / (1 - p)). None if no number is too large, or if rollouts do not separate
    good steps from bad ones.
    """
    if not 0 < q < p < 1 or not 0 < good < 1:
        return None
    return max(0.0, log(good * p / ((1 - good) * q)) / log((1 - q) / (1 - p)))
