"""One worker at one run: the engine, the gate's share of the endpoint, and an eye on the run's status."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial

from django.conf import settings
from django.core.cache import cache
from redis import Redis, RedisError

from apps.core.errors import DomainError
from apps.core.jobs import JobStatus
from apps.estimation.engine import EndpointDown, Engine, Question
from apps.estimation.models import EstimationRun
from apps.estimation.parameters import sampling_of
from apps.estimation.services import begin, fail_run, finish_if_done, over_budget, pause_run
from apps.estimation.store import RunStore, next_lapse
from apps.estimation.strategies import strategy_of
from apps.estimation.work import Plan
from apps.inference.client import Client
from apps.inference.gate import Gate
from apps.inference.prompting import Template
from apps.inference.shares import BEAT_S, Shares
from apps.inference.wire import Server
from apps.verifiers.grading import GradingPool

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
# What is in flight when a run is paused may take so long to come in; then it is given up.
GRACE_S = 60.0
# A worker works so long at one run before it lets others have their turn.
SLICE_S = 600.0


def work_on(*, run_id: int) -> bool:
    """Work on the run until it ends, pauses, or the slice of time is over; True when it should be sent again."""
    run = begin(run_id=run_id)
    if run is None:
        return False
    until = time.monotonic() + SLICE_S
    with GradingPool() as pool:
        worker = Worker(run, pool, until)
        try:
            worker.work()
        except EndpointDown as down:
            pause_run(run=run, reason=str(down))
        except DomainError as error:
            fail_run(run=run, error=error.message)
        finally:
            worker.store.close()
    run.refresh_from_db()
    return run.status == JobStatus.RUNNING


class Worker:
    def __init__(self, run: EstimationRun, pool: GradingPool, until: float) -> None:
        self.run = run
        self.pool = pool
        self.until = until
        self.name = f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"
        self.store = RunStore(run, self.name, pool)

    def work(self) -> None:
        """Again and again, as long as others hold shards that they may leave behind."""
        while not self._is_over():
            endpoint = self.run.endpoint
            if endpoint is None:
                raise DomainError("The endpoint of this run is gone.", code="no_endpoint")
            shares = Shares(Redis.from_url(settings.REDIS_URL), endpoint.pk, self.name, endpoint.max_in_flight)
            asyncio.run(self._stretch(endpoint.server(), shares))
            if finish_if_done(run=self.run) or self._is_over():
                return
            lapse = next_lapse(self.run)
            log.info("run %s: waiting for shards of other workers, the next until %s", self.run.pk, lapse)
            time.sleep(1.0)

    def _is_over(self) -> bool:
        self.run.refresh_from_db()
        return time.monotonic() > self.until or self.run.status != JobStatus.RUNNING

    async def _stretch(self, server: Server, shares: Shares) -> None:
        """From the first claim until there is nothing left to claim, or we are to stop."""
        gate = Gate(0)
        slowing: set[asyncio.Task[None]] = set()

        def overloaded() -> None:
            task = asyncio.create_task(_quietly(shares.slow_down))
            slowing.add(task)
            task.add_done_callback(slowing.discard)

        async with Client(server, on_overload=overloaded) as client, share_gate(shares, gate):
            engine = Engine(self._plan(), client, gate, self.store, self._grade)
            watcher = asyncio.create_task(self._watch(engine))
            try:
                await engine.run()
            finally:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)

    def _plan(self) -> Plan:
        run = self.run
        return Plan(
            strategy=strategy_of(run.strategy, run.options),
            sampling=sampling_of(run.sampling),
            template=Template(**run.prompt),
            seed=run.seed,
            answers_suffice=run.answers_suffice,
        )

    async def _grade(self, questions: Sequence[Question]) -> Sequence[bool | None]:
        grades = await asyncio.to_thread(self.pool.grade_many, list(questions), cache)
        return [grade.is_correct for grade in grades]

    async def _watch(self, engine: Engine) -> None:
        """Hold on to the shards; stop when somebody says so, the budget is reached or our time is over."""
        stopped_at: float | None = None
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            status = await self.store.control()
            if status == JobStatus.CANCELLED:
                engine.stop(at_once=True)
            elif status != JobStatus.RUNNING or time.monotonic() > self.until:
                engine.stop()
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() > stopped_at + GRACE_S:
                    engine.stop(at_once=True)
            elif reason := await self.store.apart(self._over_budget):
                await self._pause(reason)
                engine.stop()

    async def _pause(self, reason: str) -> None:
        await self.store.apart(lambda: pause_run(run=self.run, reason=reason))

    def _over_budget(self) -> str | None:
        return over_budget(EstimationRun.objects.get(pk=self.run.pk)) if any(self.run.budget.values()) else None


@asynccontextmanager
async def share_gate(shares: Shares, gate: Gate) -> AsyncIterator[None]:
    """Within it the gate is kept at this process's share of the endpoint's limit."""
    sharing = asyncio.create_task(_share(shares, gate))
    try:
        yield
    finally:
        sharing.cancel()
        await asyncio.gather(sharing, return_exceptions=True)
        await _quietly(shares.leave)


async def _share(shares: Shares, gate: Gate) -> None:
    """Keep the gate at our share. While Redis is away it stays as it is."""
    while True:
        with suppress(RedisError):
            beat = partial(shares.beat, in_flight=gate.in_flight, now_ms=int(time.time() * 1000))
            gate.set_limit(await asyncio.to_thread(beat))
        await asyncio.sleep(BEAT_S)


async def _quietly(act: Callable[[], None]) -> None:
    with suppress(RedisError):
        await asyncio.to_thread(act)
