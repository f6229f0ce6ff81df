"""The engine: drives hundreds of solutions at once, with as many requests in flight as the gate lets through. Pure.

A sliding window, never waves: each solution goes its own way, asking its strategy what to sample next. A request
keeps its place at the gate until its outcome is stored, so that a worker that is killed costs at most the requests
which were in flight. Everything that blocks happens behind `Store` and `grade`, which the engine calls in threads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from apps.estimation.engine.completions import Completion, read_completion
from apps.estimation.engine.outcomes import Outcome
from apps.estimation.engine.results import Result, failed, result_of
from apps.estimation.engine.solution_state import Batch, Plan, Told, Work
from apps.estimation.strategies.base import Ask
from apps.inference.client import Client
from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.errors import EndpointFailure, RequestRefused
from apps.inference.prompts import seed_of
from apps.inference.refusal_check import RefusalCheck
from apps.inference.retry_policy import AttemptCounter, EndpointHealth
from apps.inference.types import Answer, Choice, Usage

Question = tuple[str, str, str]  # Verifier, reference answer, answer.

CLAIM = 32  # Solutions that are claimed at once.
AHEAD = 1.3  # Requests that wait or run, in parts of the gate's limit, before more solutions are taken up.
FLUSH_EVERY_S = 0.005
SPARE = 4  # Places that a worker keeps for what its strategies may yet ask for, when it has nothing left to claim.


class Store(Protocol):
    """Where work comes from and results go. `flush` is never called twice at once."""

    async def claim(self, count: int) -> list[Work]:
        """More solutions; empty when there are none left for us."""

    async def flush(self, batches: Sequence[Batch], results: Sequence[Result]) -> set[int]:
        """Store them, whole or not at all; gives the solutions that turn out to be in other hands."""


class EndpointDown(Exception):
    """The endpoint does not answer us, or will not. The message says why, for people."""


class Engine:
    """Works until there is nothing left, `stop` is called, or the endpoint is down (raises EndpointDown)."""

    def __init__(
        self,
        plan: Plan,
        client: Client,
        gate: ConcurrencyLimiter,
        store: Store,
        grade: Callable[[Sequence[Question]], Awaitable[Sequence[bool | None]]],
    ) -> None:
        self.plan = plan
        self.client = client
        self.gate = gate
        self.store = store
        self._grade = grade
        self._verdicts: dict[Question, bool | None] = {}
        self._pending: list[tuple[Batch | Result, asyncio.Future[bool]]] = []
        self._something = asyncio.Event()
        self._moved = asyncio.Event()
        self._stopping = asyncio.Event()
        self._active: set[asyncio.Task[None]] = set()
        self._wanting = 0  # Requests at the gate or past it.
        self._is_all_claimed = False
        self._stamina = EndpointHealth()
        self._refusals = RefusalCheck(client, plan.template, plan.sampling)
        self._down: str | None = None

    def stop(self, *, at_once: bool = False) -> None:
        """Send nothing more; what is in flight is waited for and stored, or given up `at_once`."""
        self._stopping.set()
        self._moved.set()
        self.gate.open()
        if at_once:
            for task in self._active:
                task.cancel()

    async def run(self) -> None:
        """What nobody foresaw ends all of it, with what is stored left as it is."""
        try:
            async with asyncio.TaskGroup() as group:
                flushing = group.create_task(self._flush_for_ever())
                await self._take_up_work(group)
                while self._active:
                    await asyncio.wait(self._active)
                flushing.cancel()
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None
        if self._down:
            raise EndpointDown(self._down)

    # --- work -----------------------------------------------------------------------------------------------

    async def _take_up_work(self, group: asyncio.TaskGroup) -> None:
        """The next solutions are claimed while the last ones are taken up."""
        coming = group.create_task(self.store.claim(CLAIM))
        while works := await coming:
            coming = group.create_task(self.store.claim(CLAIM))
            for work in works:
                await self._room()
                if self._stopping.is_set():
                    return
                task = group.create_task(self._solve(work))
                self._active.add(task)
                task.add_done_callback(self._active.discard)
                await asyncio.sleep(0)
        self._is_all_claimed = True
        self._say_what_is_wanted()

    async def _room(self) -> None:
        """Until the window has a place for another solution."""
        while self._wanting >= AHEAD * max(1, self.gate.limit) and not self._stopping.is_set():
            self._moved.clear()
            await self._moved.wait()

    async def _solve(self, work: Work) -> None:
        if (reason := work.hindrance()) is not None:
            await self._stored(failed(work.solution_id, reason))
            return
        strategy, case = self.plan.strategy, work.case
        by_answer = self.plan.answers_suffice and strategy.takes_answers and case.is_right is True
        while not by_answer and self._goes_on(work):
            asks = strategy.next(case, work.seen())
            if not asks:
                break
            await self._sample(work, asks)
        if self._goes_on(work):
            await self._stored(result_of(work, strategy, by_answer=by_answer))

    def _goes_on(self, work: Work) -> bool:
        return not work.is_elsewhere and not self._stopping.is_set()

    # --- requests -------------------------------------------------------------------------------------------

    async def _sample(self, work: Work, asks: Sequence[Ask]) -> None:
        places = [place for ask in asks for place in self._places(work, ask.position, ask.rollouts)]
        await asyncio.gather(*(self._request(work, *place) for place in places))

    def _places(self, work: Work, position: int, rollouts: int) -> list[tuple[int, int, int]]:
        """Requests for so many rollouts, as (position, first number, how many)."""
        most = self.client.fitting(rollouts)
        return [
            (position, first + done, min(most, count - done))
            for first, count in work.places(position, rollouts)
            for done in range(0, count, most)
        ]

    async def _request(self, work: Work, position: int, ordinal: int, n: int) -> None:
        self._want(1)
        try:
            await self.gate.enter()
            try:
                if not self._goes_on(work):
                    return
                batch = await self._ask(work, position, ordinal, n)
                if batch is not None:
                    work.outcomes[position][ordinal] = batch.letters
                    work.tokens[position] += batch.answer.usage.completion_tokens
                    if batch.reason:
                        work.reasons[position].append(batch.reason)
                    work.is_elsewhere |= not await self._stored(batch)
            finally:
                self.gate.leave()
        finally:
            self._want(-1)
            self._moved.set()

    def _want(self, more: int) -> None:
        self._wanting += more
        if self._is_all_claimed:
            self._say_what_is_wanted()

    def _say_what_is_wanted(self) -> None:
        """With nothing left to claim, places that we have no use for are the other workers'."""
        self.gate.wanted = self._wanting + SPARE

    async def _ask(self, work: Work, position: int, ordinal: int, n: int) -> Batch | None:
        """None when we are to stop before there is an answer."""
        step_id = work.step_ids[position]
        prompt = self.plan.template.prompt(work.statement, work.steps[: position + 1], work.separator)
        seed, requests, tries = seed_of(self.plan.seed, step_id, ordinal), 0, AttemptCounter()
        while True:
            try:
                answer = await self.client.complete(prompt, self.plan.sampling, n=n, seed=seed)
            except EndpointFailure as failure:
                is_last = isinstance(failure, RequestRefused) or tries.is_last(failure)
                goes_on = await self._bears(failure)
                requests += failure.requests
                if not goes_on:
                    return None
                if is_last:
                    lost = tuple(Told("", "", Outcome.LOST) for _ in range(n))
                    return Batch(work.solution_id, step_id, ordinal, lost, Answer((), Usage(), requests), str(failure))
                continue
            self._stamina.answered()
            self._refusals.answered()
            told = await self._graded(work, position, answer.choices)
            whole = Answer(answer.choices, answer.usage, answer.requests + requests)
            return Batch(work.solution_id, step_id, ordinal, told, whole)

    async def _bears(self, failure: EndpointFailure) -> bool:
        """Whether it is worth while to go on after this failure."""
        is_refusal = isinstance(failure, RequestRefused)
        if await self._refusals.is_general(failure) if is_refusal else self._stamina.ends_with(failure):
            self._down = self._down or str(failure)
            self.stop()
        return not self._stopping.is_set()

    # --- answers --------------------------------------------------------------------------------------------

    async def _graded(self, work: Work, position: int, choices: Sequence[Choice]) -> tuple[Told, ...]:
        completions = [read_completion(choice, work.steps[position]) for choice in choices]
        answers = [completion.answer for completion in completions]
        assert work.reference is not None
        questions = [(work.verifier, work.reference, answer) for answer in answers if answer]
        unknown = list(dict.fromkeys(one for one in questions if one not in self._verdicts))
        if unknown:
            verdicts = await self._grade(unknown)
            if len(self._verdicts) > 100_000:
                self._verdicts.clear()
            self._verdicts.update(zip(unknown, verdicts, strict=True))
        return tuple(
            Told(choice.text, completion.answer or "", self._outcome(completion, work))
            for choice, completion in zip(choices, completions, strict=True)
        )

    def _outcome(self, completion: Completion, work: Work) -> Outcome:
        if completion.is_cut:
            return Outcome.CUT
        answer = completion.answer
        verdict = self._verdicts.get((work.verifier, work.reference or "", answer)) if answer else None
        if verdict is None:
            return Outcome.UNREADABLE
        return Outcome.SUCCESS if verdict else Outcome.FAILURE

    # --- storing --------------------------------------------------------------------------------------------

    async def _stored(self, item: Batch | Result) -> bool:
        """Wait until it is; False when the solution is in other hands."""
        done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._pending.append((item, done))
        self._something.set()
        return await done

    async def _flush_for_ever(self) -> None:
        """Whatever has come together while the last flush was under way goes with the next."""
        while True:
            await self._something.wait()
            self._something.clear()
            pending, self._pending = self._pending, []
            batches = [item for item, _ in pending if isinstance(item, Batch)]
            results = [item for item, _ in pending if isinstance(item, Result)]
            elsewhere = await self.store.flush(batches, results)
            for item, done in pending:
                if not done.done():
                    done.set_result(item.solution_id not in elsewhere)
            await asyncio.sleep(FLUSH_EVERY_S)
