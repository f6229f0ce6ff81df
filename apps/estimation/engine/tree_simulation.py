"""What growing a tree asks for, with made-up rollouts. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Protocol

from apps.estimation.engine.tree_search import Rolled, Search
from apps.estimation.strategies.base import Ask
from apps.estimation.strategies.tree import TreeOptions

GOOD, BAD = "good", "bad"


class Chance(Protocol):
    def __call__(self, position: int, *, is_good: bool) -> float:
        """How often a rollout from the prefix that ends there is right."""


def simulated_asks(options: TreeOptions, steps: int, error: int, chance: Chance, dice: random.Random) -> Iterator[Ask]:
    """Of a wrong solution with its first error there.

    Wrong rollouts are as long as the solution, go wrong anywhere after their prefix, and are never the same twice: where
    they repeat themselves, the tree has less to search.
    """
    given = [GOOD] * error + [BAD] * (steps - error)
    search = Search(options, given, steps - 1)
    made = 0
    while leaf := search.select():
        while (position := search.probe(leaf)) is not None:
            is_good = not leaf.steps[position].startswith(BAD)
            rolled = []
            for _ in range(options.rollouts):
                is_right = dice.random() < chance(position, is_good=is_good)
                made += 1
                slip = dice.randrange(position + 1, max(position + 2, steps - 1)) if is_good else position + 1
                rolled.append(Rolled(_written(position + 1, slip, steps, made), is_right))
            search.see(leaf, position, rolled)
            yield Ask(position, options.rollouts)


def _written(first: int, slip: int, steps: int, number: int) -> tuple[str, ...]:
    return tuple(f"{BAD} {number}" if place >= slip else GOOD for place in range(first, steps))
