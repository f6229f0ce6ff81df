"""Proportions and how sure they are. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import log, sqrt

Z95 = 1.959963984540054


def wilson(successes: float, rollouts: int, z: float = Z95) -> tuple[float, float]:
    """The Wilson score interval (Wilson 1927) of a share, 95 % by default; (0, 1) without rollouts."""
    if rollouts == 0:
        return 0.0, 1.0
    share = successes / rollouts
    spread = z * sqrt(share * (1 - share) / rollouts + z * z / (4 * rollouts * rollouts))
    middle, scale = share + z * z / (2 * rollouts), 1 + z * z / rollouts
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def shrunk(successes: int, rollouts: int) -> float:
    """(s + 1/2) / (n + 1): the mean under Jeffreys' prior, which is never 0 or 1."""
    return (successes + 0.5) / (rollouts + 1)


def false_bad(p: float, rollouts: int) -> float:
    """How often hard estimation misses a good step, from which a rollout succeeds with chance p."""
    return float((1 - p) ** rollouts)


def false_good(q: float, rollouts: int) -> float:
    """How often hard estimation passes a bad step, from which a rollout is lucky with chance q."""
    return float(1 - (1 - q) ** rollouts)


def most_useful_rollouts(p: float, q: float, good: float) -> float | None:
    """N*: beyond it each rollout more makes hard labels worse, when a share `good` of the steps is good.

    One rollout more mends good p (1-p)^N of the labels and spoils (1 - good) q (1-q)^N. None where no number is too many,
    or where rollouts cannot tell good from bad.
    """
    if not 0 < q < p < 1 or not 0 < good < 1:
        return None
    return max(0.0, log(good * p / ((1 - good) * q)) / log((1 - q) / (1 - p)))


@dataclass(frozen=True, slots=True)
class Proportion:
    """A proportion with the counts it rests on."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson, 95 %: (0, 1) where nothing was counted."""
        return wilson(self.hits, self.of)
