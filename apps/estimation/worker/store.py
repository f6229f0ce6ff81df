"""The store of a worker at an estimation run: it claims solutions and stores outcomes and results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.estimation.engine.results import SolutionResult
from apps.estimation.engine.solution_state import Batch, SolutionState
from apps.estimation.models import EstimationRun
from apps.estimation.worker.load import load, open_items
from apps.estimation.worker.write import insert
from apps.runs.store import ItemStore
from apps.verifiers.pool.pool import GradingPool


class RunStore(ItemStore[EstimationRun, SolutionState]):
    def __init__(self, run: EstimationRun, holder: str, pool: GradingPool) -> None:
        super().__init__(run, holder, open_items(run))
        self.pool = pool

    async def flush(self, batches: Sequence[Batch], results: Sequence[SolutionResult]) -> set[int]:
        return await self.in_flusher(lambda: self._flush(batches, results))

    def _load(self, items: Sequence[Any]) -> list[SolutionState]:
        return load(self.run, items, self.pool)

    def _flush(self, batches: Sequence[Batch], results: Sequence[SolutionResult]) -> set[int]:
        """Outcomes are stored always. Results are not while the store is stale: their outcomes may be undone."""
        unstored = {result.solution_id for result in results} if self.is_stale else set()
        stored = [] if self.is_stale else results
        solved = [result.solution_id for result in stored]
        return self._store(lambda: insert(self.run, batches, stored), solved) | unstored
