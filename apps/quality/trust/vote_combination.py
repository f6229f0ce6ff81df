"""Several judges, or several votes of one, combined to one first error. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log

from apps.corpus.labels import UNKNOWN

EVEN = 1e-9
LOWEST, HIGHEST = 0.5, 0.99  # Agreements beyond these count as these.


class ChorusRule(StrEnum):
    MAJORITY = "majority"
    UNANIMOUS = "unanimous"
    WEIGHTED = "weighted"


@dataclass(frozen=True, slots=True)
class ChorusVerdict:
    """A position, NO_ERROR, or UNKNOWN where the rule finds none.

    `share` is that of the first error with the most votes or weight among all votes, unreadable ones included.
    """

    first_error: int
    share: float


def combine(named: Sequence[int], rule: ChorusRule, weights: Sequence[float] = ()) -> ChorusVerdict:
    """The first error of one solution by the rule, from the first error that each judge names.

    `majority`: the one that more judges name than any other; a tie is UNKNOWN. `unanimous`: the one that all name, none of
    them unreadable. `weighted`: the one with the largest sum of `weights`, one per judge as of `weight_of`. Raises
    ValueError, which names the invalid argument.
    """
    if rule == ChorusRule.WEIGHTED and (len(weights) != len(named) or min(weights, default=0.0) < 0):
        raise ValueError("weights: must be one per judge, each at least 0")
    powers = weights if rule == ChorusRule.WEIGHTED else [1.0] * len(named)
    sums: defaultdict[int, float] = defaultdict(float)
    for first_error, power in zip(named, powers, strict=True):
        sums[first_error] += power
    total = sum(sums.values())
    sums.pop(UNKNOWN, None)
    best = max(sums.values(), default=0.0)
    if best <= 0:
        return ChorusVerdict(UNKNOWN, 0.0)
    leaders = [first_error for first_error, power in sums.items() if power >= best - EVEN]
    is_decided = len(leaders) == 1 and (rule != ChorusRule.UNANIMOUS or best == total)
    return ChorusVerdict(leaders[0] if is_decided else UNKNOWN, best / total)


def weight_of(agreement: float, alternatives: int = 2) -> float:
    """A judge's weight by the measured share p of solutions on which it names people's first error: log((m - 1) p / (1 - p)).

    With m = 2 alternatives it is log(p / (1 - p)), with which weighted voting is right most often if judges err
    independently (Nitzan and Paroush 1982); with more, the errors are spread evenly over the others (Ben-Yashar and Paroush
    2001). A solution of k steps has k + 1 alternatives, but judges' errors are not spread evenly, so 2 is the cautious
    choice. p is kept between 0.5 and 0.99: a judge that is always right in a small sample must not outvote all others, and
    with 2 alternatives one that is wrong half the time has no weight.
    """
    if not 0 <= agreement <= 1:
        raise ValueError("agreement: must be between 0 and 1")
    if alternatives < 2:
        raise ValueError("alternatives: must be at least 2")
    p = min(HIGHEST, max(LOWEST, agreement))
    return log((alternatives - 1) * p / (1 - p))
