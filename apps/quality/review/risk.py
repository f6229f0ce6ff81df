"""The risk that an assignment has errors, and the sample that reviewers check first. Pure.

Each reason has a probability that something is wrong. The risk is 1 - the product of the probabilities that nothing is, so
more reasons mean more risk, and never more than 1. The weights are judgement, not measurement: they order a list, and
nothing is decided by them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from math import prod
from statistics import median

FAST = 1 / 3  # Of the usual time for a step in the round.
NEWCOMER = 20  # Labelers with fewer assignments are new.
RANDOM_EVERY = 3  # Every third assignment of a sample is random: what looks right is checked, too.


class Reason(StrEnum):
    GOLD = "gold"
    CONSENSUS = "consensus"
    FAST = "fast"
    UNREAD = "unread"
    NEWCOMER = "newcomer"


WEIGHTS = {Reason.GOLD: 0.5, Reason.CONSENSUS: 0.35, Reason.FAST: 0.25, Reason.UNREAD: 0.4, Reason.NEWCOMER: 0.1}
REASON_TEXTS = {
    Reason.GOLD: "misses gold",
    Reason.CONSENSUS: "differs from consensus",
    Reason.FAST: "fast",
    Reason.UNREAD: "faster than reading",
    Reason.NEWCOMER: "new labeler",
}


@dataclass(frozen=True, slots=True)
class RiskFactors:
    """Of one assignment; None if unknown. `pace` is the active time in milliseconds for each rated step.

    `is_unread` holds where the active time is below what reading its text takes.
    """

    assignment: int
    labeler: int
    gold: bool | None = None
    agrees: bool | None = None
    pace: float | None = None
    usual_pace: float | None = None
    is_unread: bool = False
    assignments_before: int = NEWCOMER


@dataclass(frozen=True, slots=True)
class Risk:
    assignment: int
    labeler: int
    share: float
    reasons: tuple[Reason, ...]


def risk_of(factors: RiskFactors) -> Risk:
    holds = {
        Reason.GOLD: factors.gold is False,
        Reason.CONSENSUS: factors.agrees is False,
        Reason.FAST: bool(factors.pace is not None and factors.usual_pace and factors.pace < FAST * factors.usual_pace),
        Reason.UNREAD: factors.is_unread,
        Reason.NEWCOMER: factors.assignments_before < NEWCOMER,
    }
    reasons = tuple(reason for reason, is_given in holds.items() if is_given)
    return Risk(factors.assignment, factors.labeler, 1 - prod(1 - WEIGHTS[reason] for reason in reasons), reasons)


def usual_pace(paces: Sequence[float]) -> float | None:
    """The median; None for fewer than five."""
    return median(paces) if len(paces) >= 5 else None


def sample(risks: Sequence[Risk], size: int, *, seed: str = "") -> list[Risk]:
    """Up to `size` assignments, labelers in turn, the riskiest of each first; every third is random, by the seed."""
    waiting: defaultdict[int, list[Risk]] = defaultdict(list)
    for risk in sorted(risks, key=lambda risk: (-risk.share, _random_key(risk, seed))):
        waiting[risk.labeler].append(risk)
    chosen: list[Risk] = []
    while waiting and len(chosen) < size:
        # In each pass the labeler with the riskiest remaining assignment comes first.
        for labeler in sorted(waiting, key=lambda pk: (-waiting[pk][0].share, pk)):
            is_random = len(chosen) % RANDOM_EVERY == RANDOM_EVERY - 1
            remaining = waiting[labeler]
            risk = min(remaining, key=lambda risk: _random_key(risk, seed)) if is_random else remaining[0]
            remaining.remove(risk)
            chosen.append(risk)
            if not remaining:
                del waiting[labeler]
            if len(chosen) == size:
                break
    return chosen


def _random_key(risk: Risk, seed: str) -> bytes:
    return blake2b(f"{seed}\x1f{risk.assignment}".encode(), digest_size=8).digest()
