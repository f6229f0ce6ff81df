"""The order of pairs, so that a cap per problem takes different ones. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

from apps.exports.labels.pairs.base import MOST_PAIRS, OVER_CAP
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

Chosen = TypeVar("Chosen")
Rejected = TypeVar("Rejected")
Pair = TypeVar("Pair")


def diagonal(chosen: Sequence[Chosen], rejected: Sequence[Rejected]) -> Iterator[tuple[Chosen, Rejected]]:
    """Every chosen with every rejected one, so that the first pairs use different ones of both."""
    left, right = len(chosen), len(rejected)
    for shift in range(min(left, right)):
        for place in range(max(left, right)):
            yield chosen[(place + shift * (left < right)) % left], rejected[(place + shift * (left >= right)) % right]


def capped(groups: Sequence[Sequence[Pair]], policy: LabelPolicy, tally: Tally) -> list[Pair]:
    """The pairs of a problem, one of each group in turns, up to the policy's number, or to MOST_PAIRS. Counts the others."""
    pairs = [pair for pair in chain.from_iterable(zip_longest(*groups)) if pair is not None]
    limit = policy.pairs_per_problem or MOST_PAIRS
    tally.leave_out("pairs", OVER_CAP, len(pairs[limit:]))
    return pairs[:limit]
