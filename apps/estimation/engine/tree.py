"""The engine for the tree strategy: it searches the wrong rollouts of each solution with a wrong answer. Pure.

A rollout that is searched becomes a derived solution. The tree is a function of its rollouts, which are stored like all
others: a worker that resumes the solution builds the same tree and requests only what is missing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from apps.corpus.splitting.steps import split_steps
from apps.estimation.engine.engine import Engine, Store
from apps.estimation.engine.outcomes import RolloutOutcome
from apps.estimation.engine.results import SolutionResult, StepResult, result_from
from apps.estimation.engine.solution_state import Batch, GradedRollout, SolutionState
from apps.estimation.engine.tree_search import CountedRollout, Leaf, TreeSearch
from apps.estimation.strategies.base import Probe
from apps.estimation.strategies.tree import Tree
from apps.verifiers.extraction.final_answer import own_text

StoredRollouts = dict[int, tuple[GradedRollout, ...]]  # By the ordinal of the first rollout of a batch.


@dataclass(frozen=True, slots=True)
class TreeNode:
    """A searched rollout that is stored as a solution: the given solution or a derived one."""

    solution_id: int
    state: SolutionState


@dataclass(frozen=True, slots=True)
class TreeResult(SolutionResult):
    """The result of the given solution, and those of the solutions derived from it."""

    derived: Sequence[SolutionResult] = ()


class TreeStore(Store, Protocol):
    async def derive(self, state: SolutionState, steps: Sequence[str]) -> TreeNode | None:
        """Store these steps as a solution derived from `state`; None if a solution of other origin has them."""

    async def stored_rollouts(self, step_ids: Iterable[int]) -> Mapping[int, StoredRollouts]:
        """The stored rollouts of these steps."""


class TreeEngine(Engine):
    store: TreeStore

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._rollouts: defaultdict[int, StoredRollouts] = defaultdict(dict)

    async def _process(self, state: SolutionState) -> None:
        strategy = self.plan.strategy
        if not isinstance(strategy, Tree) or state.exclusion_reason() is not None or state.case.is_right is not False:
            await super()._process(state)
            return
        search = TreeSearch(strategy.options, state.steps, _dead_from(state, -1))
        results: list[SolutionResult] = []
        while self._continues(state) and (leaf := search.select()):
            node = TreeNode(state.solution_id, state) if leaf.is_given else await self.store.derive(state, leaf.steps)
            if node is not None:
                leaf.high = _dead_from(node.state, leaf.low)
                await self._bisect(search, leaf, node.state, strategy.options.rollouts)
                state.is_taken_over |= node.state.is_taken_over
                results.append(_result(node, leaf, search))
        if self._continues(state):
            given, *derived = results
            fields = {name: getattr(given, name) for name in SolutionResult.__slots__}
            await self._store(TreeResult(**fields, derived=derived))

    async def _bisect(self, search: TreeSearch, leaf: Leaf, state: SolutionState, rollouts: int) -> None:
        if any(state.outcomes):
            self._rollouts.update(await self.store.stored_rollouts(state.step_ids))
        while (position := search.next_position(leaf)) is not None:
            counted = await self._counted_rollouts(state, position, rollouts)
            if not counted:
                break
            search.add_rollouts(leaf, position, counted)
        for step_id in state.step_ids:
            self._rollouts.pop(step_id, None)

    async def _counted_rollouts(self, state: SolutionState, position: int, rollouts: int) -> list[CountedRollout]:
        """`rollouts` counted rollouts; fewer if the step is closed, none if the engine stops."""
        while self._continues(state):
            counts = state.counts()[position]
            if counts.rollouts >= rollouts or counts.is_closed:
                batches = self._rollouts[state.step_ids[position]]
                method = "blank_line" if state.separator.count("\n") > 1 else "newline"
                return [
                    CountedRollout(
                        tuple(split_steps(own_text(rollout.text), method)[0]),
                        rollout.outcome == RolloutOutcome.SUCCESS,
                    )
                    for ordinal in sorted(batches)
                    for rollout in batches[ordinal]
                    if rollout.outcome in (RolloutOutcome.SUCCESS, RolloutOutcome.FAILURE)
                ]
            await self._sample(state, [Probe(position, rollouts - counts.rollouts)])
        return []

    async def _sample_batch(self, state: SolutionState, position: int, ordinal: int, n: int) -> Batch | None:
        batch = await super()._sample_batch(state, position, ordinal, n)
        if batch is not None:
            self._rollouts[batch.step_id][ordinal] = batch.rollouts
        return batch


def _dead_from(state: SolutionState, low: int) -> int:
    """The first position after `low` whose prefix states the solution's own, wrong answer: at the latest its last."""
    return min(position for position in (*state.case.graded_positions, state.case.steps - 1) if position > low)


def _result(node: TreeNode, leaf: Leaf, search: TreeSearch) -> SolutionResult:
    """As for every solution. A prefix shared with another solution gets the counts that were sampled there."""
    result = result_from(node.state, leaf.labels())
    positions = {step_id: position for position, step_id in enumerate(node.state.step_ids)}

    def with_shared_counts(step: StepResult) -> StepResult:
        prefix = search.states.get(leaf.steps[: positions[step.step_id] + 1])
        if step.rollouts is not None or prefix is None or not prefix.counts.rollouts:
            return step
        return replace(step, rollouts=prefix.counts.rollouts, successes=prefix.counts.successes)

    return replace(result, solution_id=node.solution_id, steps=[with_shared_counts(step) for step in result.steps])
