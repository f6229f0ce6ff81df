"""The engine of scoring runs: scores many solutions concurrently, each step by step. Pure.

The requests of one solution are sent in the order of its steps, so that each prefix begins with one that the server has
just read. A solution is stored when all its steps have a score or a reason. A worker that stops completes the solutions
that it has started, for their requests are paid; one that is killed loses them, and they are scored again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.errors import EndpointFailure, InvalidResponse, RequestRefused
from apps.inference.refusal_check import RefusalCheck
from apps.inference.retry_policy import AttemptCounter, EndpointHealth
from apps.inference.scorers.base import Scorer, StepScores
from apps.inference.scoring_client import ScoringClient, Spent
from apps.inference.transports.prefill import PROBE
from apps.runs.engine import ItemEngine, ItemSource
from apps.scoring.reducers import reduced

NO_STEPS = "The solution has no steps."


@dataclass(slots=True)
class ScoringState:
    """A solution to be scored."""

    solution_id: int
    statement: str
    steps: list[str]
    step_ids: list[int]
    is_taken_over: bool = False

    @property
    def item_id(self) -> int:
        return self.solution_id


@dataclass(frozen=True, slots=True)
class ScoredSolution:
    """The scores of a solution, ready to be stored. `failure` is why steps have no score; empty if all have one."""

    solution_id: int
    step_ids: Sequence[int]
    scores: Sequence[float | None]
    score: float | None
    failure: str = ""
    spent: Spent = field(default_factory=Spent)

    @property
    def item_id(self) -> int:
        return self.solution_id

    @property
    def missing(self) -> int:
        return sum(score is None for score in self.scores)


class ScoreStore(ItemSource[ScoringState], Protocol):
    async def flush(self, scored: Sequence[ScoredSolution]) -> set[int]:
        """Store all of them in one transaction. Returns the solutions that another worker has taken over."""


class _Stopped(Exception):
    """The engine stopped before the request was sent."""


class ScoringEngine(ItemEngine[ScoringState, ScoredSolution]):
    completes_started = True

    def __init__(
        self, scorer: Scorer, client: ScoringClient, limiter: ConcurrencyLimiter, store: ScoreStore, reducer: str
    ) -> None:
        super().__init__(limiter, store)
        self._scorer = scorer
        self._client = client
        self._scores = store
        self._reducer = reducer
        self._health = EndpointHealth()
        self._refusals = RefusalCheck(self._probe)

    async def _process(self, state: ScoringState) -> None:
        if not state.steps:
            await self._store(ScoredSolution(state.solution_id, [], [], None, NO_STEPS))
            return
        spent = Spent()
        scored = await self._score(state, spent)
        if scored is None or state.is_taken_over:
            return
        failure = scored.reasons[-1] if scored.reasons else ""
        result = ScoredSolution(
            state.solution_id, state.step_ids, scored.scores, reduced(scored.scores, self._reducer), failure, spent
        )
        await self._store(result)

    async def _score(self, state: ScoringState, spent: Spent) -> StepScores | None:
        """The scores, without any where the request failed for good; None if the engine stops."""
        attempts = AttemptCounter()
        while True:
            try:
                scored = await self._client.score(
                    self._scorer, state.statement, state.steps, spent, lambda: self._slot_for(state, spent)
                )
            except _Stopped:
                return None
            except EndpointFailure as failure:
                is_last = isinstance(failure, RequestRefused | InvalidResponse) or attempts.is_last(failure)
                await self._check_health(failure)
                if self._down:
                    return None
                if is_last:
                    return StepScores([None] * len(state.steps), [str(failure)])
                continue
            self._refusals.record_success()
            return scored if self._is_usable(scored) else None

    def _is_usable(self, scored: StepScores) -> bool:
        """False when the engine stops, as a server that answers each request without any score is of no use."""
        if any(score is not None for score in scored.scores):
            self._health.record_success()
        elif (
            scored.reasons
            and not scored.is_too_long
            and self._health.is_down_after(InvalidResponse(scored.reasons[-1]))
        ):
            self._stop_for(scored.reasons[-1])
            return False
        return True

    async def _check_health(self, failure: EndpointFailure) -> None:
        """Stop if the failure shows that further requests would fail too."""
        is_refusal = isinstance(failure, RequestRefused)
        if await self._refusals.is_general(failure) if is_refusal else self._health.is_down_after(failure):
            self._stop_for(str(failure))

    @asynccontextmanager
    async def _slot_for(self, state: ScoringState, spent: Spent) -> AsyncIterator[None]:
        async with self._slot():
            is_started = spent.requests > 0
            if state.is_taken_over or self._down or (self._stopping.is_set() and not is_started):
                raise _Stopped
            yield

    async def _probe(self) -> int:
        spent = Spent()
        await self._client.score(self._scorer, PROBE.problem, ["1 + 1 = 2."], spent)
        return spent.requests

    async def _flush(self, items: Sequence[ScoredSolution]) -> set[int]:
        return await self._scores.flush(items)
