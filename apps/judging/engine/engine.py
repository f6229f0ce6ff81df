"""The engine of judge runs: judges hundreds of items concurrently, with as many requests in flight as the limiter admits.

The kind decides what is asked next of an item. Every reply is stored before its slot is free again, so a killed worker
loses at most the requests in flight. An unreadable reply is asked again, up to a limit, and then kept and counted. Pure.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from apps.inference.client import Client
from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.errors import EndpointFailure, RequestRefused
from apps.inference.prompts import seed_of
from apps.inference.refusal_check import RefusalCheck
from apps.inference.retry_policy import AttemptCounter, EndpointHealth
from apps.inference.types import CompletionPrompt, SamplingParameters, Usage
from apps.judging.engine.replies import replies_to, sampling_for, sent_prompt
from apps.judging.engine.states import JudgedItem, JudgeState, ReplyBatch, SlotReply
from apps.judging.kinds import Ask, Kind, Result
from apps.judging.verdicts import unreadable
from apps.runs.engine import ItemEngine, ItemSource

MOST_ATTEMPTS = 16  # Of one slot; the seeds of its attempts follow one another.
PROBE = CompletionPrompt("Reply with the word yes.")


@dataclass(frozen=True, slots=True)
class JudgePlan:
    """The frozen parameters of a run, as the engine needs them. `attempts` is how often a slot is asked, at most."""

    kind: Kind[Any, Any]
    sampling: SamplingParameters
    seed: int
    attempts: int = 3
    uses_schema: bool = True


class JudgeStore(ItemSource[JudgeState], Protocol):
    """The source of items and the destination of results. `flush` is never called concurrently."""

    async def flush(self, batches: Sequence[ReplyBatch], results: Sequence[JudgedItem]) -> set[int]:
        """Store all of them in one transaction. Returns the items that another worker has taken over."""


class JudgingEngine(ItemEngine[JudgeState, ReplyBatch | JudgedItem]):
    """Judges solutions or comparisons."""

    def __init__(self, plan: JudgePlan, client: Client, limiter: ConcurrencyLimiter, store: JudgeStore) -> None:
        super().__init__(limiter, store)
        self.plan = plan
        self.client = client
        self.store = store
        self._health = EndpointHealth()
        self._refusals = RefusalCheck(self._probe)

    async def _process(self, state: JudgeState) -> None:
        if obstacle := self.plan.kind.obstacle(state.case):
            await self._store(JudgedItem(state.item_id, Result("unreadable", obstacle)))
            return
        while self._continues(state) and not state.is_judged:
            asks = self.plan.kind.asks(state.case, state.readings)
            if not asks:
                await self._store(self._judged(state))
                return
            first, *others = self._groups(state, asks)
            if others:
                await asyncio.gather(*(self._request(state, group) for group in (first, *others)))
            else:
                await self._request(state, first)

    def _judged(self, state: JudgeState) -> JudgedItem:
        state.is_judged = True
        result = self.plan.kind.result(state.case, state.readings)
        return JudgedItem(state.item_id, result, state.prompt_tokens, state.completion_tokens, step_ids=state.step_ids)

    def _groups(self, state: JudgeState, asks: Sequence[Ask]) -> list[list[Ask]]:
        """Asks that can share a request: those of the same prompt and attempt, as votes, within the server's limit."""
        alike: defaultdict[tuple[CompletionPrompt, int], list[Ask]] = defaultdict(list)
        for ask in asks:
            alike[ask.prompt, state.attempts.get(ask.slot, 0)].append(ask)
        most = [self.client.fitting(len(group)) for group in alike.values()]
        return [
            group[start : start + size]
            for group, size in zip(alike.values(), most, strict=True)
            for start in range(0, len(group), size)
        ]

    async def _request(self, state: JudgeState, asks: Sequence[Ask]) -> None:
        """Ask once, and store the replies, with the result if nothing else is open.

        Fewer may come than were asked for: the others are asked for again. A result rests on stored replies only, so it waits
        where other replies of the item have not been stored yet, or another worker has stored some in their place.
        """
        state.open_requests += 1
        try:
            await self._ask_and_store(state, asks)
        finally:
            state.open_requests -= 1

    async def _ask_and_store(self, state: JudgeState, asks: Sequence[Ask]) -> None:
        async with self._slot():
            if not self._continues(state):
                return
            batch = await self._batch(state, asks)
            if batch is not None:
                for reply in batch.replies:
                    state.add(reply, self.plan.attempts)
                is_alone = state.open_requests == 1 and not state.is_taken_over
                is_last = is_alone and not self.plan.kind.asks(state.case, state.readings)
                records = [batch, self._judged(state)] if is_last else [batch]
                state.is_taken_over |= not await self._store(*records)

    async def _batch(self, state: JudgeState, asks: Sequence[Ask]) -> ReplyBatch | None:
        """The replies to one request; None if the engine stops before there is a response."""
        ask, attempt, requests, attempts = asks[0], state.attempts.get(asks[0].slot, 0), 0, AttemptCounter()
        seed = seed_of(self.plan.seed, state.item_id, ask.slot * MOST_ATTEMPTS + attempt)
        sampling = sampling_for(ask, attempt, self.plan.sampling, uses_schema=self.plan.uses_schema)
        prompt = sent_prompt(ask.prompt, self.client.server.transport)
        while True:
            try:
                response = await self.client.complete(prompt, sampling, n=len(asks), seed=seed)
            except EndpointFailure as failure:
                is_last = isinstance(failure, RequestRefused) or attempts.is_last(failure)
                await self._check_health(failure)
                requests += failure.requests
                if self._stopping.is_set():
                    return None
                if is_last:
                    lost = unreadable(f"The endpoint did not answer. {failure}")
                    replies = tuple(SlotReply(ask.slot, attempt, "", lost, is_lost=True) for ask in asks)
                    return ReplyBatch(state.item_id, replies, Usage(), requests)
                continue
            self._health.record_success()
            self._refusals.record_success()
            replies = replies_to(asks, attempt, response)
            return ReplyBatch(state.item_id, replies, response.usage, response.requests + requests)

    async def _check_health(self, failure: EndpointFailure) -> None:
        """Stop if the failure shows that further requests would fail too."""
        is_refusal = isinstance(failure, RequestRefused)
        if await self._refusals.is_general(failure) if is_refusal else self._health.is_down_after(failure):
            self._stop_for(str(failure))

    async def _probe(self) -> int:
        return (await self.client.complete(PROBE, replace(self.plan.sampling, max_tokens=8))).requests

    async def _flush(self, records: Sequence[ReplyBatch | JudgedItem]) -> set[int]:
        batches = [record for record in records if isinstance(record, ReplyBatch)]
        results = [record for record in records if isinstance(record, JudgedItem)]
        return await self.store.flush(batches, results)
