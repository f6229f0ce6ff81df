"""When the engine stores an item's result: with its last replies, but never on replies that were not stored."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.types import CompletionChoice, ModelResponse, SamplingParameters, Usage
from apps.judging.engine.engine import JudgePlan, JudgingEngine
from apps.judging.engine.states import JudgedItem, JudgeState, ReplyBatch
from apps.judging.kinds import SolutionCase, kind_of
from apps.judging.prompts import prompt_of

ITEM = 7
CASE = SolutionCase("What is 1 + 1?", ("One and one.", "It is 2."))


class Answers:
    """Stands in for a client: each request is answered `pause_s` later than the one before, with one reply."""

    def __init__(self, pause_s: float) -> None:
        self.server = SimpleNamespace(transport="chat-instruct")
        self.pause_s = pause_s
        self.asked = 0

    def fitting(self, n: int) -> int:
        return 1

    async def complete(self, *_: Any, **__: Any) -> ModelResponse:
        self.asked += 1
        await asyncio.sleep(self.pause_s * self.asked)
        return ModelResponse((CompletionChoice(r"\boxed{-1}", "stop"),), Usage(1, 1))


class Flushes:
    """A store of one item. In the first flush it finds that another worker has stored replies, if told so."""

    def __init__(self, *, is_taken_over: bool) -> None:
        self.items = [JudgeState(ITEM, CASE)]
        self.is_taken_over = is_taken_over
        self.flushes: list[tuple[int, int]] = []  # How many batches and results each has.

    async def claim(self, count: int) -> Sequence[JudgeState]:
        claimed, self.items = self.items, []
        return claimed

    async def flush(self, batches: Sequence[ReplyBatch], results: Sequence[JudgedItem]) -> set[int]:
        self.flushes.append((len(batches), len(results)))
        return {ITEM} if self.is_taken_over and len(self.flushes) == 1 else set()


def flushes(votes: int, *, pause_s: float, is_taken_over: bool = False) -> list[tuple[int, int]]:
    """Each vote is a request of its own."""
    plan = JudgePlan(kind_of(prompt_of("steps-first-error"), {"votes": votes}, []), SamplingParameters(), seed=1)
    store, client = Flushes(is_taken_over=is_taken_over), Answers(pause_s)
    engine = JudgingEngine(plan, client, ConcurrencyLimiter(8), store)  # type: ignore[arg-type]
    asyncio.run(engine.run())
    return store.flushes


def test_the_result_is_stored_with_the_only_reply() -> None:
    assert flushes(1, pause_s=0.01) == [(1, 1)]


def test_of_several_replies_the_result_comes_with_the_last() -> None:
    assert flushes(2, pause_s=0.2) == [(1, 0), (1, 1)]


@pytest.mark.parametrize("pause_s", [0.0, 0.2])
def test_no_result_rests_on_replies_that_another_worker_has_replaced(pause_s: float) -> None:
    """Whether the other replies come while the first is being stored, or afterwards."""
    assert sum(results for _, results in flushes(3, pause_s=pause_s, is_taken_over=True)) == 0
