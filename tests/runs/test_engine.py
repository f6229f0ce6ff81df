"""The frame of engines: how much it claims at once, and how often it stores."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.runs.engine import CYCLES, LONGEST_PAUSE_S, MOST_OPEN, SHORTEST_PAUSE_S, ItemEngine


@dataclass
class Item:
    item_id: int
    is_taken_over: bool = False


class Items:
    """So many items; remembers how many were claimed at once."""

    def __init__(self, count: int) -> None:
        self.left = [Item(number) for number in range(count)]
        self.claims: list[int] = []

    async def claim(self, count: int) -> Sequence[Item]:
        if self.left:
            self.claims.append(count)
        claimed, self.left = self.left[:count], self.left[count:]
        return claimed


class SlowRequests(ItemEngine[Item, Item]):
    """Each item is one request of so many seconds."""

    def __init__(self, limiter: ConcurrencyLimiter, source: Items, seconds: float) -> None:
        super().__init__(limiter, source)
        self._seconds = seconds
        self.flushes: list[int] = []

    async def _process(self, state: Item) -> None:
        async with self._slot():
            await asyncio.sleep(self._seconds)
            await self._store(state)

    async def _flush(self, records: Sequence[Item]) -> set[int]:
        self.flushes.append(len(records))
        return set()


def ended(engine: SlowRequests) -> SlowRequests:
    asyncio.run(engine.run())
    return engine


@pytest.mark.parametrize(("limit", "claim"), [(1, 32), (64, 32), (200, 100), (1000, 128)])
def test_a_claim_is_half_the_limit_within_bounds(limit: int, claim: int) -> None:
    items = Items(300)
    engine = ended(SlowRequests(ConcurrencyLimiter(limit), items, 0.0))
    assert set(items.claims) == {claim}
    assert sum(engine.flushes) == 300


def test_the_longer_requests_take_the_longer_is_the_pause_between_flushes() -> None:
    quick = ended(SlowRequests(ConcurrencyLimiter(300), Items(300), 0.0))
    slow = ended(SlowRequests(ConcurrencyLimiter(300), Items(300), 0.6))
    slowest = ended(SlowRequests(ConcurrencyLimiter(300), Items(300), 2.5))
    assert quick.flush_pause_s == SHORTEST_PAUSE_S
    assert SHORTEST_PAUSE_S < slow.flush_pause_s < slowest.flush_pause_s == LONGEST_PAUSE_S


def test_a_request_keeps_its_slot_until_it_is_stored() -> None:
    limiter = ConcurrencyLimiter(5)
    in_flight: list[int] = []

    class Watched(SlowRequests):
        async def _flush(self, records: Sequence[Item]) -> set[int]:
            in_flight.append(limiter.in_flight - len(records))
            return await super()._flush(records)

    engine = ended(Watched(limiter, Items(40), 0.001))
    assert sum(engine.flushes) == 40
    # What is stored has its slots still, so never more than the limit can be lost.
    assert min(in_flight) >= 0
    assert limiter.in_flight == 0


def test_a_higher_limit_is_used_at_once_and_not_when_the_next_request_ends() -> None:
    """As at the start of a worker, which has no slots until it is granted some."""
    limiter = ConcurrencyLimiter(0)
    engine = SlowRequests(limiter, Items(100), 0.5)

    async def play() -> list[int]:
        running, in_flight = asyncio.create_task(engine.run()), list[int]()
        for limit in (0, 20, 60):
            limiter.set_limit(limit)
            await asyncio.sleep(0.1)
            in_flight.append(limiter.in_flight)
        await running
        return in_flight

    assert asyncio.run(play()) == [0, 20, 60]
    assert sum(engine.flushes) == 100


@pytest.mark.parametrize("requests", [1, 2, 6, 48])
@pytest.mark.parametrize("limit", [20, 256])
def test_no_more_requests_are_open_than_are_soon_sent(limit: int, requests: int) -> None:
    """Items that wait for a slot are of use to another worker."""
    limiter, most = ConcurrencyLimiter(limit), 0

    class Several(SlowRequests):
        async def _process(self, state: Item) -> None:
            await asyncio.gather(*(self._request() for _ in range(requests)))
            await self._store(state)

        async def _request(self) -> None:
            async with self._slot():
                await asyncio.sleep(0.02)

        def _report_demand(self) -> None:
            nonlocal most
            most = max(most, self._open_requests)
            super()._report_demand()

    items = max(50, 1000 // requests)
    engine = ended(Several(limiter, Items(items), 0.0))
    assert sum(engine.flushes) == items
    # The requests of what was started in the last cycles are not yet counted, and their number is estimated.
    assert limit < most <= (MOST_OPEN + 4 / CYCLES) * limit + 2 * requests
