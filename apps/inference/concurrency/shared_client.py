"""A connection to an endpoint, with a limiter that holds this process to its share of the endpoint's limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from functools import partial
from typing import TypeVar

from django.conf import settings
from redis import Redis, RedisError

from apps.inference.client import Client
from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.concurrency.shared_limit import HEARTBEAT_S, QUICK_HEARTBEAT_S, SharedConcurrencyLimit
from apps.inference.connection import ATTEMPTS, Connection
from apps.inference.models import Endpoint

C = TypeVar("C", bound=Connection)


@asynccontextmanager
async def shared_connection(
    kind: type[C], endpoint: Endpoint, member: str, *, attempts: int = ATTEMPTS, demand: int | None = None
) -> AsyncIterator[tuple[C, ConcurrencyLimiter]]:
    """Acquire the limiter for each request. `member` names the process and its work; `demand` is how many requests it
    can have in flight, None the whole limit.

    Raises DomainError if the endpoint's key cannot be decrypted.
    """
    shared_limit = SharedConcurrencyLimit(
        Redis.from_url(settings.REDIS_URL), endpoint.pk, member, endpoint.max_in_flight
    )
    limiter, slow_downs = ConcurrencyLimiter(0), set[asyncio.Task[None]]()
    limiter.demand = demand

    def slow_down() -> None:
        task = asyncio.create_task(_without_redis_errors(shared_limit.slow_down))
        slow_downs.add(task)
        task.add_done_callback(slow_downs.discard)

    async with kind(endpoint.server(), attempts=attempts, on_overload=slow_down) as client:
        updates = asyncio.create_task(_update_limit(shared_limit, limiter))
        try:
            yield client, limiter
        finally:
            updates.cancel()
            await asyncio.gather(updates, return_exceptions=True)
            await _without_redis_errors(shared_limit.leave)


def shared_client(endpoint: Endpoint, member: str) -> AbstractAsyncContextManager[tuple[Client, ConcurrencyLimiter]]:
    """A client for completions, as `shared_connection` has it."""
    return shared_connection(Client, endpoint, member)


async def _update_limit(shared_limit: SharedConcurrencyLimit, limiter: ConcurrencyLimiter) -> None:
    """Keep the limiter at this process's share. During an outage of Redis it keeps its limit.

    The next report comes sooner while slots change hands: this process waits for some, returns some, or has just gained,
    lost or no longer needs some.
    """
    last: tuple[int, int | None] | None = None
    while True:
        pause_s = HEARTBEAT_S
        with suppress(RedisError):
            # Until the reply is here, the limiter may still admit requests up to its old limit, so those count too.
            in_flight, now_ms = max(limiter.in_flight, limiter.limit), int(time.time() * 1000)
            heartbeat = partial(shared_limit.heartbeat, in_flight=in_flight, now_ms=now_ms, demand=limiter.demand)
            limiter.set_limit(await asyncio.to_thread(heartbeat))
            state = limiter.limit, limiter.demand
            if shared_limit.is_short or limiter.in_flight > limiter.limit or state != last:
                pause_s = QUICK_HEARTBEAT_S
            last = state
        await asyncio.sleep(pause_s)


async def _without_redis_errors(function: Callable[[], None]) -> None:
    with suppress(RedisError):
        await asyncio.to_thread(function)
