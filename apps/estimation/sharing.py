"""A client of an endpoint whose requests pass a gate, which stands at this process's share of the endpoint's limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

from django.conf import settings
from redis import Redis, RedisError

from apps.estimation.models import EstimationRun, SamplingRun
from apps.inference.client import Client
from apps.inference.gate import Gate
from apps.inference.grants import why_not_usable
from apps.inference.models import Endpoint
from apps.inference.shares import BEAT_S, Shares

ENDPOINT_GONE = "The endpoint of this run is gone."


def why_not_asked(run: EstimationRun | SamplingRun) -> str | None:
    """Why the run's endpoint may not be asked, or no longer: it is gone, or its grant was taken back."""
    found = type(run).objects.select_related("project", "endpoint").get(pk=run.pk)
    return why_not_usable(found.endpoint, found.project) if found.endpoint is not None else ENDPOINT_GONE


@asynccontextmanager
async def shared_client(endpoint: Endpoint, member: str) -> AsyncIterator[tuple[Client, Gate]]:
    """Enter the gate before each request. `member` names the process and what it does.

    Raises DomainError when the endpoint's key cannot be read.
    """
    shares = Shares(Redis.from_url(settings.REDIS_URL), endpoint.pk, member, endpoint.max_in_flight)
    gate, slowing = Gate(0), set[asyncio.Task[None]]()

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


async def _share(shares: Shares, gate: Gate) -> None:
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
