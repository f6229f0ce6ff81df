"""Which wrong rollout to search next, and where its first dead prefix is. Pure: the same rollouts, the same tree.

OmegaPRM (arXiv:2406.06592): a state is a prefix with N rollouts, MC(s) the share of them that is right. Every wrong
rollout r from a state with 0 < MC(s) < 1 waits in a pool. The one with the highest Q(s, r) + U(s) is taken out and
searched by bisection; the prefixes that this looks at become states, and their rollouts join the pool.

    Q(s, r) = alpha^(1 - MC(s)) * beta^(len(r) / L)        U(s) = c_puct * sqrt(sum of N(s_i)) / (1 + N(s))

The tree begins with a given solution, whose answer is wrong, as a rollout from the problem.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

from apps.estimation.strategies.base import Counts, Reading
from apps.estimation.strategies.tree import TreeOptions

Texts = tuple[str, ...]
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Rolled:
    """A counted rollout: the steps that it adds to its prefix, and whether its answer is right."""

    steps: Texts
    is_right: bool

    @property
    def tokens(self) -> float:
        return sum(map(len, self.steps)) / CHARACTERS_A_TOKEN


@dataclass(slots=True)
class State:
    """A prefix that was rolled out. `visits` is N(s): how often a rollout from it was chosen."""

    counts: Counts
    visits: int = 0

    @property
    def value(self) -> float:
        return self.counts.successes / self.counts.rollouts if self.counts.rollouts else 0.0


@dataclass(slots=True, eq=False)
class Leaf:
    """A solution with a wrong answer. Its steps up to `low` are live, those from `high` on are dead."""

    steps: Texts
    low: int
    high: int
    quality: float = 1.0
    state: State = field(default_factory=lambda: State(Counts()))
    is_given: bool = False

    def reading(self) -> Reading:
        unknown: list[bool | None] = [None] * (self.high - self.low - 1)
        hard = [*[True] * (self.low + 1), *unknown, *[False] * (len(self.steps) - self.high)]
        return Reading(hard, None if unknown else self.high)


class Search:
    def __init__(self, options: TreeOptions, steps: Sequence[str], dead_from: int) -> None:
        self.options = options
        self.states: dict[Texts, State] = {}
        self._pool = [Leaf(tuple(steps), -1, dead_from, is_given=True)]
        self._met = {tuple(steps)}
        self._searched = self._spent = self._visits = 0

    def select(self) -> Leaf | None:
        """The most telling leaf, taken out of the pool; None when there is none or the budget is spent."""
        is_over = self._searched >= self.options.searches or not self._can_afford()
        if not self._pool or (is_over and self._searched):
            return None
        best = max(range(len(self._pool)), key=lambda place: self._worth(self._pool[place]))
        leaf = self._pool.pop(best)
        leaf.state.visits += 1
        self._visits += 1
        self._searched += 1
        return leaf

    def probe(self, leaf: Leaf) -> int | None:
        """The position to roll out next; None when the first dead one is known or the budget is spent."""
        while leaf.low + 1 < leaf.high:
            middle = (leaf.low + leaf.high) // 2
            known = self.states.get(leaf.steps[: middle + 1])
            if known is None:
                return middle if self._can_afford() else None
            self._narrow(leaf, middle, known)
        return None

    def see(self, leaf: Leaf, position: int, rolled: Sequence[Rolled]) -> None:
        """The rollouts from this position of the leaf, in their order."""
        right = sum(one.is_right for one in rolled)
        prefix = leaf.steps[: position + 1]
        state = self.states[prefix] = State(Counts(right, len(rolled) - right))
        self._spent += self.options.rollouts
        if 0 < state.value < 1:
            for one in rolled:
                self._wait(state, prefix, one)

    def _wait(self, state: State, prefix: Texts, one: Rolled) -> None:
        steps = prefix + one.steps
        if one.is_right or not one.steps or steps in self._met:
            return
        self._met.add(steps)
        chosen = self.options
        quality = chosen.alpha ** (1 - state.value) * chosen.beta ** (one.tokens / chosen.length)
        self._pool.append(Leaf(steps, len(prefix) - 1, len(steps) - 1, quality, state))

    def _worth(self, leaf: Leaf) -> float:
        return leaf.quality + self.options.exploration * sqrt(self._visits) / (1 + leaf.state.visits)

    def _can_afford(self) -> bool:
        return self._spent + self.options.rollouts <= self.options.budget

    @staticmethod
    def _narrow(leaf: Leaf, position: int, state: State) -> None:
        if state.counts.successes:
            leaf.low = position
        else:
            leaf.high = position
