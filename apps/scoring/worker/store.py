"""The store of a worker at a scoring run. A result that exists already was stored by a worker that took the solution over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from apps.core.db.prepared import fetch
from apps.core.db.prepared import run as run_statement
from apps.runs.changes import RunChanges, storable
from apps.runs.store import ItemStore
from apps.scoring.engine import ScoredSolution, ScoringState
from apps.scoring.models import ScoringRun
from apps.scoring.worker.load import load, open_items

_RESULTS = """
    INSERT INTO scoring_solutionscore (run_id, solution_id, score, missing, failure, is_applied)
    SELECT %s, *, false FROM unnest(%s::bigint[], %s::float8[], %s::int[], %s::text[])
    ON CONFLICT DO NOTHING RETURNING solution_id
"""
_STEPS = """
    INSERT INTO scoring_stepscore (run_id, step_id, score) SELECT %s, * FROM unnest(%s::bigint[], %s::float8[])
    ON CONFLICT DO NOTHING
"""


class PostgresScoreStore(ItemStore[ScoringRun, ScoringState]):
    def __init__(self, run: ScoringRun, holder: str) -> None:
        super().__init__(run, holder, open_items(run))

    async def flush(self, scored: Sequence[ScoredSolution]) -> set[int]:
        return await self.in_flusher(lambda: self._flush(scored))

    def _load(self, items: Sequence[Any]) -> list[ScoringState]:
        return load(items)

    def _flush(self, scored: Sequence[ScoredSolution]) -> set[int]:
        return self._store(lambda: insert(self.run, scored), [result.solution_id for result in scored])


def insert(run: ScoringRun, scored: Sequence[ScoredSolution]) -> RunChanges:
    columns: list[list[object]] = [
        [result.solution_id for result in scored],
        [result.score for result in scored],
        [result.missing for result in scored],
        [storable(result.failure) for result in scored],
    ]
    new_ids = {solution_id for (solution_id,) in fetch(_RESULTS, [run.pk, *columns])}
    new = [result for result in scored if result.solution_id in new_ids]
    scores = [
        (step_id, score)
        for result in new
        for step_id, score in zip(result.step_ids, result.scores, strict=True)
        if score is not None
    ]
    if scores:
        run_statement(_STEPS, [run.pk, [step_id for step_id, _ in scores], [score for _, score in scores]])
    changes = RunChanges()
    for result in new:
        _count(changes, result)
    changes.taken_over = {result.solution_id for result in scored} - new_ids
    return changes


def _count(changes: RunChanges, result: ScoredSolution) -> None:
    spent = result.spent
    changes.add(
        done=1,
        failed=result.missing == len(result.scores),
        steps=len(result.scores) - result.missing,
        missing=result.missing,
        requests=spent.requests,
        prompt_tokens=spent.prompt_tokens,
        completion_tokens=spent.completion_tokens,
    )
    changes.tokens_are_estimated |= spent.is_estimated
