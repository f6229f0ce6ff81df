"""OmegaPRM's Monte Carlo tree, as far as one solution goes; `apps/estimation/tree/` grows the rest of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Ask, Case, Counts, Options, Reading
from apps.estimation.strategies.bisect import Bisect, BisectOptions


class TreeOptions(Options, frozen=True):
    """Defaults as published, but for the budget: there it is a hundred searches a question."""

    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Rollouts from every state (N).")] = 8
    budget: Annotated[int, Meta(ge=1, le=100_000, description="Rollouts for a solution and what grows from it.")] = 128
    searches: Annotated[int, Meta(ge=1, le=10_000, description="Wrong rollouts that are searched, at most.")] = 100
    alpha: Annotated[float, Meta(gt=0, le=1, description="Prefers rollouts from states that seldom fail.")] = 0.5
    beta: Annotated[float, Meta(gt=0, le=1, description="Prefers short rollouts.")] = 0.9
    length: Annotated[int, Meta(ge=1, description="Tokens that make a rollout long (L).")] = 500
    exploration: Annotated[float, Meta(ge=0, description="Weighs states that were seldom chosen (c_puct).")] = 0.125


class Tree:
    """Luo et al. 2024, arXiv:2406.06592, section 3.

    What a solution's own counts ask for and say is a binary search in which one success makes a prefix live.
    """

    name: ClassVar = "tree"
    title: ClassVar = "Tree"
    about: ClassVar = (
        "OmegaPRM: binary search for the first dead prefix, then in the wrong rollouts from live ones, the most telling "
        "first. Soft labels where it looked, and new solutions with their labels. For experts: it may take its whole budget."
    )
    gives_soft: ClassVar = True
    takes_answers: ClassVar = True

    def __init__(self, options: TreeOptions | None = None) -> None:
        self.options = options or TreeOptions()
        rollouts = self.options.rollouts
        self._search = Bisect(BisectOptions(rollouts=rollouts, live=1, wave=rollouts))

    def next(self, case: Case, seen: Sequence[Counts]) -> list[Ask]:
        # All N, whatever the first of them say: the share is to be a soft label.
        for position, counts in enumerate(seen):
            if 0 < counts.rollouts < self.options.rollouts and not counts.is_closed:
                return [Ask(position, self.options.rollouts - counts.rollouts)]
        return self._search.next(case, seen)

    def read(self, case: Case, seen: Sequence[Counts]) -> Reading:
        return self._search.read(case, seen)
