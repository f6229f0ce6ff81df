"""A client of an endpoint whose requests pass a gate, which stands at this process's share of the endpoint's limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from django.conf import settings
from redis import Redis, RedisError

from apps.inference.client import Client
from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.concurrency.shared_limit import BEAT_S, SharedConcurrencyLimit
from apps.inference.models import Endpoint


@asynccontextmanager
async def shared_client(endpoint: Endpoint, member: str) -> AsyncIterator[tuple[Client, ConcurrencyLimiter]]:
    """Enter the gate before each request. `member` names the process and what it does.

    Raises DomainError when the endpoint's key cannot be read.
    """
    shares = SharedConcurrencyLimit(Redis.from_url(settings.REDIS_URL), endpoint.pk, member, endpoint.max_in_flight)
    gate, slowing = ConcurrencyLimiter(0), set[asyncio.Task[None]]()

    def overloaded() -> None:
        task = asyncio.create_task(_quietly(shares.slow_down))
        slowing.add(task)
        task.add_done_callback(slowing.discard)

    async with Client(endpoint.server(), on_overload=overloaded) as client:
        sharing = asyncio.create_task(_share(shares, gate))
        try:
            yield client, gate
        finally:
            sharing.cancel()
            await asyncio.gather(sharing, return_exceptions=True)
            await _quietly(shares.leave)


async def _share(shares: SharedConcurrencyLimit, gate: ConcurrencyLimiter) -> None:
    """Keep the gate at our share. While Redis is away it stays as it is."""
    while True:
        with suppress(RedisError):
            # Until the answer is here the gate lets in as many as it did, and they count as well.
            held, now_ms = max(gate.in_flight, gate.limit), int(time.time() * 1000)
            beat = partial(shares.beat, in_flight=held, now_ms=now_ms, wanted=gate.wanted)
            gate.set_limit(await asyncio.to_thread(beat))
        await asyncio.sleep(BEAT_S)


async def _quietly(act: Callable[[], None]) -> None:
    with suppress(RedisError):
        await asyncio.to_thread(act)
