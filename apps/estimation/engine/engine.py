"""The engine: estimates hundreds of solutions concurrently, with as many requests in flight as the limiter admits. Pure.

Each solution proceeds on its own, in a sliding window, and its strategy decides what to sample next. A request keeps
its slot in the limiter until its outcomes are stored, so a killed worker loses at most the requests in flight. All that
blocks is behind `Store` and `grade`, which the engine awaits.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from apps.estimation.engine.completions import Completion, read_completion
from apps.estimation.engine.outcomes import RolloutOutcome
from apps.estimation.engine.results import SolutionResult, result_by_strategy
from apps.estimation.engine.solution_state import Batch, GradedRollout, Plan, SolutionState
from apps.estimation.strategies.base import Probe
from apps.inference.client import Client
from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.errors import EndpointFailure, RequestRefused
from apps.inference.prompts import seed_of
from apps.inference.refusal_check import RefusalCheck, completion_probe
from apps.inference.retry_policy import AttemptCounter, EndpointHealth
from apps.inference.types import CompletionChoice, ModelResponse, Usage
from apps.runs.engine import ItemEngine, ItemSource

Question = tuple[str, str, str]  # Verifier, reference answer, answer.

CACHED_GRADES = 100_000


class Store(ItemSource[SolutionState], Protocol):
    """The source of solutions and the destination of results. `flush` is never called concurrently."""

    async def flush(self, batches: Sequence[Batch], results: Sequence[SolutionResult]) -> set[int]:
        """Store all of them in one transaction. Returns the solutions that another worker has taken over."""


class Engine(ItemEngine[SolutionState, Batch | SolutionResult]):
    """Estimates the steps of solutions."""

    def __init__(
        self,
        plan: Plan,
        client: Client,
        limiter: ConcurrencyLimiter,
        store: Store,
        grade: Callable[[Sequence[Question]], Awaitable[Sequence[bool | None]]],
    ) -> None:
        super().__init__(limiter, store)
        self.plan = plan
        self.client = client
        self.store = store
        self._grade = grade
        self._grades: dict[Question, bool | None] = {}
        self._health = EndpointHealth()
        self._refusals = RefusalCheck(completion_probe(client, plan.template, plan.sampling))

    async def _process(self, state: SolutionState) -> None:
        if (reason := state.exclusion_reason()) is not None:
            await self._store(SolutionResult(state.solution_id, failure=reason))
            return
        strategy, case = self.plan.strategy, state.case
        by_answer = self.plan.answers_suffice and strategy.takes_answers and case.is_right is True
        while not by_answer and self._continues(state):
            probes = strategy.next(case, state.counts())
            if not probes:
                break
            await self._sample(state, probes)
        if self._continues(state):
            await self._store(result_by_strategy(state, strategy, by_answer=by_answer))

    # --- requests -------------------------------------------------------------------------------------------

    async def _sample(self, state: SolutionState, probes: Sequence[Probe]) -> None:
        requests = []
        for probe in probes:
            most = self.client.fitting(probe.rollouts)
            requests += [
                self._request(state, probe.position, first + offset, min(most, count - offset))
                for first, count in state.free_ordinals(probe.position, probe.rollouts)
                for offset in range(0, count, most)
            ]
        await asyncio.gather(*requests)

    async def _request(self, state: SolutionState, position: int, ordinal: int, n: int) -> None:
        """Sample and store `n` rollouts, numbered from `ordinal`."""
        async with self._slot():
            if not self._continues(state):
                return
            batch = await self._sample_batch(state, position, ordinal, n)
            if batch is not None:
                state.outcomes[position][ordinal] = batch.letters
                state.tokens[position] += batch.response.usage.completion_tokens
                if batch.reason:
                    state.reasons[position].append(batch.reason)
                state.is_taken_over |= not await self._store(batch)

    async def _sample_batch(self, state: SolutionState, position: int, ordinal: int, n: int) -> Batch | None:
        """One batch of up to `n` rollouts; None if the engine stops before there is a response."""
        step_id = state.step_ids[position]
        prompt = self.plan.template.prompt(state.statement, state.steps[: position + 1], state.separator)
        seed, requests, attempts = seed_of(self.plan.seed, step_id, ordinal), 0, AttemptCounter()
        while True:
            try:
                response = await self.client.complete(prompt, self.plan.sampling, n=n, seed=seed)
            except EndpointFailure as failure:
                is_last = isinstance(failure, RequestRefused) or attempts.is_last(failure)
                await self._check_health(failure)
                requests += failure.requests
                if self._stopping.is_set():
                    return None
                if is_last:
                    lost = tuple(GradedRollout("", "", RolloutOutcome.LOST) for _ in range(n))
                    response = ModelResponse((), Usage(), requests)
                    return Batch(state.solution_id, step_id, ordinal, lost, response, str(failure))
                continue
            self._health.record_success()
            self._refusals.record_success()
            rollouts = await self._graded(state, position, response.choices)
            response = ModelResponse(response.choices, response.usage, response.requests + requests)
            return Batch(state.solution_id, step_id, ordinal, rollouts, response)

    async def _check_health(self, failure: EndpointFailure) -> None:
        """Stop if the failure shows that further requests would fail too."""
        is_refusal = isinstance(failure, RequestRefused)
        if await self._refusals.is_general(failure) if is_refusal else self._health.is_down_after(failure):
            self._stop_for(str(failure))

    # --- answers --------------------------------------------------------------------------------------------

    async def _graded(
        self, state: SolutionState, position: int, choices: Sequence[CompletionChoice]
    ) -> tuple[GradedRollout, ...]:
        # After the last steps of a prefix, several choices are often the same text.
        by_choice = {choice: read_completion(choice, state.steps[position]) for choice in dict.fromkeys(choices)}
        completions = [by_choice[choice] for choice in choices]
        answers = [completion.answer for completion in completions]
        assert state.reference is not None
        questions = [(state.verifier, state.reference, answer) for answer in answers if answer]
        ungraded = list(dict.fromkeys(question for question in questions if question not in self._grades))
        if ungraded:
            grades = await self._grade(ungraded)
            if len(self._grades) > CACHED_GRADES:
                self._grades.clear()
            self._grades.update(zip(ungraded, grades, strict=True))
        return tuple(
            GradedRollout(choice.text, completion.answer or "", self._outcome(completion, state))
            for choice, completion in zip(choices, completions, strict=True)
        )

    def _outcome(self, completion: Completion, state: SolutionState) -> RolloutOutcome:
        if completion.is_cut:
            return RolloutOutcome.CUT
        answer = completion.answer
        is_right = self._grades.get((state.verifier, state.reference or "", answer)) if answer else None
        if is_right is None:
            return RolloutOutcome.UNREADABLE
        return RolloutOutcome.SUCCESS if is_right else RolloutOutcome.FAILURE

    async def _flush(self, items: Sequence[Batch | SolutionResult]) -> set[int]:
        batches = [item for item in items if isinstance(item, Batch)]
        results = [item for item in items if isinstance(item, SolutionResult)]
        return await self.store.flush(batches, results)
