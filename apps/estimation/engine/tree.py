"""The engine, growing a tree from each solution with a wrong answer. Pure.

The tree is a function of its rollouts, and those are stored like all others: a worker that takes the solution up
again grows the same tree, and asks only for what is not there yet.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from apps.corpus.splitting.steps import split_steps
from apps.estimation.engine.engine import Engine, Store
from apps.estimation.engine.outcomes import Outcome
from apps.estimation.engine.results import Result, StepResult, result_from
from apps.estimation.engine.solution_state import Batch, Told, Work
from apps.estimation.engine.tree_search import Leaf, Rolled, Search
from apps.estimation.strategies.base import Ask
from apps.estimation.strategies.tree import Tree
from apps.verifiers.extraction.final_answer import own_text

Kept = dict[int, tuple[Told, ...]]  # By the number of the first.


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A rollout that stands as a solution of its own, with the number of that."""

    solution_id: int
    work: Work


@dataclass(frozen=True, slots=True)
class GrownTree(Result):
    """What is said of a given solution, and of those that grew from it."""

    others: Sequence[Result] = ()


class TreeStore(Store, Protocol):
    async def plant(self, work: Work, steps: Sequence[str]) -> TreeNode | None:
        """Make these steps a solution that belongs to this tree; None when it is somebody else's."""

    async def recall(self, step_ids: Iterable[int]) -> Mapping[int, Kept]:
        """The rollouts that are stored of these steps."""


class TreeEngine(Engine):
    store: TreeStore

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._told: defaultdict[int, Kept] = defaultdict(dict)

    async def _solve(self, work: Work) -> None:
        strategy = self.plan.strategy
        if not isinstance(strategy, Tree) or work.hindrance() is not None or work.case.is_right is not False:
            await super()._solve(work)
            return
        search = Search(strategy.options, work.steps, _dead_from(work, -1))
        found: list[Result] = []
        while self._goes_on(work) and (leaf := search.select()):
            plant = TreeNode(work.solution_id, work) if leaf.is_given else await self.store.plant(work, leaf.steps)
            if plant is not None:
                leaf.high = _dead_from(plant.work, leaf.low)
                await self._bisect(search, leaf, plant.work, strategy.options.rollouts)
                work.is_elsewhere |= plant.work.is_elsewhere
                found.append(_result(plant, leaf, search))
        if self._goes_on(work):
            given, *others = found
            await self._stored(GrownTree(**{name: getattr(given, name) for name in Result.__slots__}, others=others))

    async def _bisect(self, search: Search, leaf: Leaf, work: Work, rollouts: int) -> None:
        if any(work.outcomes):
            self._told.update(await self.store.recall(work.step_ids))
        while (position := search.probe(leaf)) is not None:
            rolled = await self._rolled(work, position, rollouts)
            if not rolled:
                break
            search.see(leaf, position, rolled)
        for step_id in work.step_ids:
            self._told.pop(step_id, None)

    async def _rolled(self, work: Work, position: int, rollouts: int) -> list[Rolled]:
        """So many counted rollouts; fewer where no more will come, none when we are to stop."""
        while self._goes_on(work):
            counts = work.seen()[position]
            if counts.rollouts >= rollouts or counts.is_closed:
                kept = self._told[work.step_ids[position]]
                told = [one for ordinal in sorted(kept) for one in kept[ordinal]]
                return [_rolled(one, work) for one in told if one.outcome in (Outcome.SUCCESS, Outcome.FAILURE)]
            await self._sample(work, [Ask(position, rollouts - counts.rollouts)])
        return []

    async def _ask(self, work: Work, position: int, ordinal: int, n: int) -> Batch | None:
        batch = await super()._ask(work, position, ordinal, n)
        if batch is not None:
            self._told[batch.step_id][ordinal] = batch.rollouts
        return batch


def _dead_from(work: Work, low: int) -> int:
    """The first position after `low` that holds the solution's own, wrong answer: at the latest its last."""
    return min(position for position in (*work.case.settled, work.case.steps - 1) if position > low)


def _rolled(one: Told, work: Work) -> Rolled:
    method = "blank_line" if work.separator.count("\n") > 1 else "newline"
    return Rolled(tuple(split_steps(own_text(one.text), method)[0]), one.outcome == Outcome.SUCCESS)


def _result(plant: TreeNode, leaf: Leaf, search: Search) -> Result:
    """As for every solution; where a prefix is another solution's too, with the counts that were taken there."""
    found = result_from(plant.work, leaf.reading())
    places = {step_id: place for place, step_id in enumerate(plant.work.step_ids)}

    def counted(step: StepResult) -> StepResult:
        state = search.states.get(leaf.steps[: places[step.step_id] + 1])
        if step.rollouts is not None or state is None or not state.counts.rollouts:
            return step
        return replace(step, rollouts=state.counts.rollouts, successes=state.counts.successes)

    return replace(found, solution_id=plant.solution_id, steps=[counted(step) for step in found.steps])
