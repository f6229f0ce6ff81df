"""What a tree search would sample, simulated with random rollouts. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Protocol

from apps.estimation.engine.tree_search import CountedRollout, TreeSearch
from apps.estimation.strategies.base import Probe
from apps.estimation.strategies.tree import TreeOptions

GOOD, BAD = "good", "bad"


class Chance(Protocol):
    def __call__(self, position: int, *, is_good: bool) -> float:
        """The probability that a rollout from the prefix that ends at this position is right."""


def simulated_tree_probes(
    options: TreeOptions, steps: int, error: int, chance: Chance, rng: random.Random
) -> Iterator[Probe]:
    """The probes for a wrong solution of `steps` steps with its first error at position `error`.

    Simulated rollouts are as long as the solution, their errors are anywhere after their prefix, and no two are equal:
    where real rollouts repeat each other, the tree has less to search.
    """
    search = TreeSearch(options, [GOOD] * error + [BAD] * (steps - error), steps - 1)
    number = 0
    while leaf := search.select():
        while (position := search.next_position(leaf)) is not None:
            is_good = not leaf.steps[position].startswith(BAD)
            rollouts = []
            for _ in range(options.rollouts):
                is_right = rng.random() < chance(position, is_good=is_good)
                number += 1
                slip = rng.randrange(position + 1, max(position + 2, steps - 1)) if is_good else position + 1
                written = tuple(f"{BAD} {number}" if place >= slip else GOOD for place in range(position + 1, steps))
                rollouts.append(CountedRollout(written, is_right))
            search.add_rollouts(leaf, position, rollouts)
            yield Probe(position, options.rollouts)
