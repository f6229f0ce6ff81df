"""OmegaPRM's tree search: which wrong rollout to search next, and where its first dead prefix is. Pure and deterministic.

In OmegaPRM (arXiv:2406.06592) a state s is a prefix with N rollouts, and MC(s) is the share of right ones. Every wrong
rollout r from a state with 0 < MC(s) < 1 joins a pool. The rollout with the highest Q(s, r) + U(s) is removed from the
pool and bisected; the probed prefixes become states, and their wrong rollouts join the pool.

    Q(s, r) = alpha^(1 - MC(s)) * beta^(len(r) / L)        U(s) = c_puct * sqrt(sum of N(s_i)) / (1 + N(s))

The root is a given solution with a wrong answer, taken as a rollout from the problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

from apps.estimation.strategies.base import Counts, StrategyLabels
from apps.estimation.strategies.tree import TreeOptions

Texts = tuple[str, ...]
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class CountedRollout:
    """A counted rollout: the steps that it adds to its prefix, and whether its answer is right."""

    steps: Texts
    is_right: bool

    @property
    def tokens(self) -> float:
        return sum(map(len, self.steps)) / CHARACTERS_A_TOKEN


@dataclass(slots=True)
class PrefixState:
    """A prefix that was rolled out. `visits` is N(s), the number of its rollouts that were selected."""

    counts: Counts
    visits: int = 0

    @property
    def value(self) -> float:
        return self.counts.successes / self.counts.rollouts if self.counts.rollouts else 0.0


@dataclass(slots=True, eq=False)
class Leaf:
    """A solution with a wrong answer. Its prefixes up to `low` are live, those from `high` on are dead."""

    steps: Texts
    low: int
    high: int
    quality: float = 1.0
    state: PrefixState = field(default_factory=lambda: PrefixState(Counts()))
    is_given: bool = False

    def labels(self) -> StrategyLabels:
        unknown: list[bool | None] = [None] * (self.high - self.low - 1)
        hard = [*[True] * (self.low + 1), *unknown, *[False] * (len(self.steps) - self.high)]
        return StrategyLabels(hard, None if unknown else self.high)


class TreeSearch:
    def __init__(self, options: TreeOptions, steps: Sequence[str], dead_from: int) -> None:
        self.options = options
        self.states: dict[Texts, PrefixState] = {}
        self._pool = [Leaf(tuple(steps), -1, dead_from, is_given=True)]
        self._known = {tuple(steps)}
        self._searched = self._spent = self._visits = 0

    def select(self) -> Leaf | None:
        """Remove the leaf with the highest Q + U from the pool and return it; None if there is none or the budget is spent."""
        is_over = self._searched >= self.options.searches or not self._can_afford()
        if not self._pool or (is_over and self._searched):
            return None
        leaf = max(self._pool, key=self.priority)
        self._pool.remove(leaf)
        leaf.state.visits += 1
        self._visits += 1
        self._searched += 1
        return leaf

    def priority(self, leaf: Leaf) -> float:
        """Q(s, r) + U(s)."""
        return leaf.quality + self.options.exploration * sqrt(self._visits) / (1 + leaf.state.visits)

    def next_position(self, leaf: Leaf) -> int | None:
        """The position to roll out next; None if the first dead one is known or the budget is spent."""
        while leaf.low + 1 < leaf.high:
            middle = (leaf.low + leaf.high) // 2
            state = self.states.get(leaf.steps[: middle + 1])
            if state is None:
                return middle if self._can_afford() else None
            if state.counts.successes:
                leaf.low = middle
            else:
                leaf.high = middle
        return None

    def add_rollouts(self, leaf: Leaf, position: int, rollouts: Sequence[CountedRollout]) -> None:
        """Record the rollouts from this position of the leaf, in their order. New wrong ones join the pool."""
        right = sum(rollout.is_right for rollout in rollouts)
        prefix = leaf.steps[: position + 1]
        state = self.states[prefix] = PrefixState(Counts(right, len(rollouts) - right))
        self._spent += self.options.rollouts
        if 0 < state.value < 1:
            for rollout in rollouts:
                steps = prefix + rollout.steps
                if rollout.is_right or not rollout.steps or steps in self._known:
                    continue
                self._known.add(steps)
                options = self.options
                quality = options.alpha ** (1 - state.value) * options.beta ** (rollout.tokens / options.length)
                self._pool.append(Leaf(steps, len(prefix) - 1, len(steps) - 1, quality, state))

    def _can_afford(self) -> bool:
        return self._spent + self.options.rollouts <= self.options.budget
