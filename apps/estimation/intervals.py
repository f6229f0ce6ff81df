"""How sure a share of successes is. Pure."""

from __future__ import annotations

from math import sqrt

Z95 = 1.959963984540054


def wilson(successes: int, rollouts: int, z: float = Z95) -> tuple[float, float]:
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
