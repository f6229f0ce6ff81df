"""The store of a worker at a judge run: it claims items and stores replies and results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.judging.engine.states import JudgedItem, JudgeState, ReplyBatch
from apps.judging.models import JudgeRun
from apps.judging.worker.load import load, open_items
from apps.judging.worker.write import insert
from apps.runs.store import ItemStore
from apps.verifiers.pool.pool import GradingPool


class JudgeRunStore(ItemStore[JudgeRun, JudgeState]):
    def __init__(self, run: JudgeRun, holder: str, pool: GradingPool, attempts: int) -> None:
        super().__init__(run, holder, open_items(run))
        self.pool = pool
        self.attempts = attempts

    async def flush(self, batches: Sequence[ReplyBatch], results: Sequence[JudgedItem]) -> set[int]:
        return await self.in_flusher(lambda: self._flush(batches, results))

    def _load(self, items: Sequence[Any]) -> list[JudgeState]:
        return load(self.run, items, self.attempts)

    def _flush(self, batches: Sequence[ReplyBatch], results: Sequence[JudgedItem]) -> set[int]:
        """Replies are stored always. Results are not while the store is stale: their replies may be undone."""
        unstored = {result.item_id for result in results} if self.is_stale else set()
        stored = [] if self.is_stale else results
        solved = [result.item_id for result in stored]
        taken_over = self._store(lambda: insert(self.run, batches, stored, self.pool), solved)
        # Once one item of a shard is found to be taken over, all of them are.
        left = {batch.item_id for batch in batches if batch.item_id not in self._shard_of}
        return taken_over | left | unstored
