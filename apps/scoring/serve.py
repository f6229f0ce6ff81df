"""Scores of texts for a request that waits for them. Nothing is stored."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from apps.core.errors import Unavailable
from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.concurrency.shared_client import shared_connection
from apps.inference.errors import EndpointFailure, InvalidResponse, RequestRefused
from apps.inference.scorers.base import Scorer, StepScores
from apps.inference.scoring_client import ScoringClient, Spent
from apps.scoring.parameters import scorer_of
from apps.scoring.reward_model import ScorerSettings

WITHIN_S = 60.0
ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class ScorableText:
    """A problem and the steps of a solution."""

    problem: str
    steps: tuple[str, ...]


def score_texts(settings: ScorerSettings, texts: Sequence[ScorableText]) -> list[StepScores]:
    """The scores of the steps of each text, None where a step has none. Raises Unavailable if the model is away."""
    if not texts:
        return []
    try:
        return asyncio.run(_score_all(settings, texts))
    except TimeoutError as error:
        raise Unavailable(
            f"The reward model did not answer within {WITHIN_S:g} s.", code="reward_model_away"
        ) from error
    except EndpointFailure as failure:
        raise Unavailable(f"The reward model does not answer: {failure}", code="reward_model_away") from failure


async def _score_all(settings: ScorerSettings, texts: Sequence[ScorableText]) -> list[StepScores]:
    member = f"rewards-{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"
    opened = shared_connection(ScoringClient, settings.endpoint, member, attempts=ATTEMPTS, demand=len(texts))
    async with asyncio.timeout(WITHIN_S), opened as (client, limiter):
        scorer = scorer_of(settings.kind, client.server, settings.options, settings.prompt)
        tasks = [asyncio.ensure_future(_score(scorer, client, limiter, text)) for text in texts]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()


async def _score(scorer: Scorer, client: ScoringClient, limiter: ConcurrencyLimiter, text: ScorableText) -> StepScores:
    """A text that the model refuses or cannot score has no scores, with the reason; other failures concern all."""

    @asynccontextmanager
    async def slot() -> AsyncIterator[None]:
        await limiter.acquire()
        try:
            yield
        finally:
            limiter.release()

    try:
        return await client.score(scorer, text.problem, text.steps, Spent(), slot)
    except (RequestRefused, InvalidResponse) as failure:
        return StepScores([None] * len(text.steps), [str(failure)])
