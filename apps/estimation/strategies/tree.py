"""OmegaPRM's Monte Carlo tree: the part that concerns one solution. `engine/tree.py` searches the rollouts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Case, Counts, Options, Probe, StrategyLabels
from apps.estimation.strategies.bisect import Bisect, BisectOptions


class TreeOptions(Options, frozen=True):
    """Defaults as published, except the budget: there it is a hundred searches per problem."""

    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Rollouts from every state (N).")] = 8
    budget: Annotated[int, Meta(ge=1, le=100_000, description="Rollouts for a solution and those derived from it.")] = (
        128
    )
    searches: Annotated[int, Meta(ge=1, le=10_000, description="Wrong rollouts to search, at most.")] = 100
    alpha: Annotated[float, Meta(gt=0, le=1, description="Prefers rollouts from states that seldom fail.")] = 0.5
    beta: Annotated[float, Meta(gt=0, le=1, description="Prefers short rollouts.")] = 0.9
    length: Annotated[int, Meta(ge=1, description="Tokens that make a rollout long (L).")] = 500
    exploration: Annotated[float, Meta(ge=0, description="Weight of states that were seldom chosen (c_puct).")] = 0.125


class Tree:
    """Luo et al. 2024, arXiv:2406.06592, section 3.

    Within one solution it is a binary search in which one success makes a prefix live.
    """

    name: ClassVar = "tree"
    title: ClassVar = "Tree"
    about: ClassVar = (
        "OmegaPRM: binary search for the first dead prefix, then within wrong rollouts from live prefixes, most informative "
        "first. Soft labels of probed steps, and derived solutions with labels. For experts: it may spend its whole budget."
    )
    yields_soft: ClassVar = True
    takes_answers: ClassVar = True

    def __init__(self, options: TreeOptions | None = None) -> None:
        self.options = options or TreeOptions()
        rollouts = self.options.rollouts
        self._search = Bisect(BisectOptions(rollouts=rollouts, live=1, wave=rollouts))

    def next(self, case: Case, step_counts: Sequence[Counts]) -> list[Probe]:
        # All N, regardless of the first outcomes: the share of successes is a soft label.
        for position, counts in enumerate(step_counts):
            if 0 < counts.rollouts < self.options.rollouts and not counts.is_closed:
                return [Probe(position, self.options.rollouts - counts.rollouts)]
        return self._search.next(case, step_counts)

    def read(self, case: Case, step_counts: Sequence[Counts]) -> StrategyLabels:
        return self._search.read(case, step_counts)
