"""How much a turn deserves a second look, and which turns a reviewer is shown first. Pure.

Each reason says by itself how likely it is that something is wrong; together they are 1 - the product of what speaks
against each, so that more reasons are more risk, and never more than one. The weights are judgement, not measurement:
they order a list, and nothing is decided by them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from math import prod
from statistics import median

FAST = 1 / 3  # Of what a step usually takes in the round.
NEWCOMER = 20  # Fewer turns than that say little of a labeler.
CHANCE_EVERY = 3  # Every third turn of a sample is chosen by chance, so that what looks well is looked at, too.


class Reason(StrEnum):
    GOLD = "gold"
    CONSENSUS = "consensus"
    FAST = "fast"
    NEWCOMER = "newcomer"


WEIGHTS = {Reason.GOLD: 0.5, Reason.CONSENSUS: 0.35, Reason.FAST: 0.25, Reason.NEWCOMER: 0.1}
WORDS = {
    Reason.GOLD: "misses gold",
    Reason.CONSENSUS: "differs from what stands",
    Reason.FAST: "fast",
    Reason.NEWCOMER: "new labeler",
}


@dataclass(frozen=True, slots=True)
class Facts:
    """Of one turn. None is what nobody can tell. `pace` is active milliseconds for each rated step."""

    assignment: int
    labeler: int
    gold: bool | None = None
    agrees: bool | None = None
    pace: float | None = None
    usual_pace: float | None = None
    turns_before: int = NEWCOMER


@dataclass(frozen=True, slots=True)
class Risk:
    assignment: int
    labeler: int
    share: float
    reasons: tuple[Reason, ...]


def risk_of(facts: Facts) -> Risk:
    holds = {
        Reason.GOLD: facts.gold is False,
        Reason.CONSENSUS: facts.agrees is False,
        Reason.FAST: bool(facts.pace is not None and facts.usual_pace and facts.pace < FAST * facts.usual_pace),
        Reason.NEWCOMER: facts.turns_before < NEWCOMER,
    }
    reasons = tuple(reason for reason, here in holds.items() if here)
    return Risk(facts.assignment, facts.labeler, 1 - prod(1 - WEIGHTS[reason] for reason in reasons), reasons)


def usual_pace(paces: Sequence[float]) -> float | None:
    """The median; too few say nothing."""
    return median(paces) if len(paces) >= 5 else None


def sample(risks: Sequence[Risk], size: int, *, seed: str = "") -> list[Risk]:
    """So many turns, labelers in turn, each with their riskiest first; every third by chance, the same each time."""
    waiting: defaultdict[int, list[Risk]] = defaultdict(list)
    for one in sorted(risks, key=lambda one: (-one.share, _chance(one, seed))):
        waiting[one.labeler].append(one)
    chosen: list[Risk] = []
    while waiting and len(chosen) < size:
        # Who has the riskiest turn left comes first in each round of the table.
        for labeler in sorted(waiting, key=lambda pk: (-waiting[pk][0].share, pk)):
            by_chance = len(chosen) % CHANCE_EVERY == CHANCE_EVERY - 1
            left = waiting[labeler]
            one = min(left, key=lambda one: _chance(one, seed)) if by_chance else left[0]
            left.remove(one)
            chosen.append(one)
            if not left:
                del waiting[labeler]
            if len(chosen) == size:
                break
    return chosen


def _chance(risk: Risk, seed: str) -> bytes:
    return blake2b(f"{seed}\x1f{risk.assignment}".encode(), digest_size=8).digest()
