"""Requests in flight: the limiter of one process, and an endpoint's limit shared by processes."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from django.conf import settings
from redis import Redis

from apps.inference.concurrency.limiter import ConcurrencyLimiter
from apps.inference.concurrency.shared_limit import (
    HEARTBEAT_S,
    SHRINK_TO,
    SILENT_AFTER_MS,
    SharedConcurrencyLimit,
    in_flight,
)

_endpoints = itertools.count(1_000_000_000)


class Members:
    """Processes at one endpoint, with a clock of the test. Each uses its whole grant."""

    def __init__(self, limit: int, *names: str) -> None:
        self.redis = Redis.from_url(settings.REDIS_URL)
        self.endpoint, self.now_ms = next(_endpoints), 1_000_000
        self.shares = {name: SharedConcurrencyLimit(self.redis, self.endpoint, name, limit) for name in names}
        self.grants = dict.fromkeys(names, 0)

    def heartbeat(self, name: str, *, demand: int | None = None, after_s: float = HEARTBEAT_S) -> int:
        self.now_ms += round(1000 * after_s)
        granted = self.shares[name].heartbeat(in_flight=self.grants[name], now_ms=self.now_ms, demand=demand)
        self.grants[name] = granted
        return granted

    def settle(self, **demand: int) -> dict[str, int]:
        for _ in range(3):
            for name in self.grants:
                self.heartbeat(name, demand=demand.get(name))
        return dict(self.grants)


def test_one_process_has_the_whole_limit() -> None:
    assert Members(64, "a").settle() == {"a": 64}


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 64, 256])
def test_the_limit_is_shared_evenly_and_nothing_of_it_is_lost(limit: int) -> None:
    grants = Members(limit, "a", "b", "c").settle()
    assert sum(grants.values()) == limit
    assert max(grants.values()) - min(grants.values()) <= 1


def test_a_later_process_gets_nothing_before_another_returns_its_excess() -> None:
    """There are never more requests in flight than the limit, not even for a moment."""
    members = Members(64, "a", "b")
    assert members.heartbeat("a") == 64
    assert members.heartbeat("b") == 0
    # Two have been answered and two are no longer sent: `a` is over its part and lets them run out.
    granted = members.shares["a"].heartbeat(in_flight=64, now_ms=members.now_ms)
    assert granted == 32
    assert members.heartbeat("b") == 0
    members.grants["a"] = 50
    assert members.shares["b"].is_short
    members.shares["a"].heartbeat(in_flight=50, now_ms=members.now_ms)
    assert members.heartbeat("b") == 14
    members.settle()
    assert not any(share.is_short for share in members.shares.values())


def test_unused_shares_go_to_the_others() -> None:
    members = Members(256, "a", "b", "c")
    members.settle()
    assert members.settle(a=6) == {"a": 6, "b": 125, "c": 125}
    assert members.settle(a=6, b=0) == {"a": 6, "b": 0, "c": 250}
    assert sum(members.settle().values()) == 256


def test_the_share_of_a_silent_process_is_free_again() -> None:
    members = Members(64, "a", "b")
    members.settle()
    members.now_ms += SILENT_AFTER_MS
    assert members.heartbeat("a") == 64
    assert in_flight(members.redis, members.endpoint) == 64


def test_a_process_that_leaves_returns_its_share() -> None:
    members = Members(64, "a", "b")
    members.settle()
    members.shares["b"].leave()
    assert members.heartbeat("a") == 64


def test_rate_limiting_lowers_the_limit_of_all_once_a_second_and_it_grows_again() -> None:
    members = Members(100, "a", "b")
    members.settle()
    for name in ("a", "b", "a"):
        members.shares[name].slow_down()
    grants = members.settle()
    assert 100 * SHRINK_TO <= sum(grants.values()) <= 100 * SHRINK_TO + 5
    ceilings = [sum(members.settle().values()) for _ in range(60)]
    assert ceilings == sorted(ceilings)
    assert ceilings[-1] == 100


def test_the_limit_grows_with_time_and_not_with_the_number_of_heartbeats() -> None:
    slow, quick = Members(100, "a"), Members(100, "a")
    for members in (slow, quick):
        members.settle()
        members.shares["a"].slow_down()
    for _ in range(20):
        slow.heartbeat("a")
        for _ in range(5):
            quick.heartbeat("a", after_s=HEARTBEAT_S / 5)
    assert slow.grants == quick.grants
    assert slow.grants["a"] < 100


def test_a_clock_that_is_set_back_takes_nothing_away() -> None:
    members = Members(100, "a")
    members.settle()
    assert members.heartbeat("a", after_s=-600) == 100


def test_a_permanently_rate_limited_endpoint_still_gets_one_request() -> None:
    members = Members(4, "a")
    members.settle()
    for _ in range(20):
        members.shares["a"].slow_down()
        members.redis.delete(f"annotate:endpoint:{members.endpoint}:slowed")
    assert members.heartbeat("a") == 1


def test_endpoints_do_not_share_with_each_other() -> None:
    assert Members(8, "a").settle() == {"a": 8}
    assert Members(8, "a").settle() == {"a": 8}


# --- the gate ---------------------------------------------------------------------------------------------


def test_the_limiter_admits_up_to_its_limit_in_order_of_arrival() -> None:
    async def play() -> None:
        limiter, inside = ConcurrencyLimiter(2), list[int]()

        async def visit(number: int) -> None:
            await limiter.acquire()
            inside.append(number)

        visits = [asyncio.create_task(visit(number)) for number in range(5)]
        await asyncio.sleep(0)
        assert inside == [0, 1]
        limiter.release()
        await asyncio.sleep(0)
        assert inside == [0, 1, 2]
        limiter.set_limit(1)
        limiter.release()
        await asyncio.sleep(0)
        assert inside == [0, 1, 2]
        assert limiter.in_flight == 1
        limiter.set_limit(3)
        await asyncio.wait_for(asyncio.gather(*visits), 5)
        assert (inside, limiter.in_flight) == ([0, 1, 2, 3, 4], 3)

    asyncio.run(play())


def test_a_waiter_that_is_cancelled_takes_no_slot() -> None:
    async def play() -> None:
        limiter = ConcurrencyLimiter(1)
        await limiter.acquire()
        first, second = (asyncio.create_task(limiter.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        # Called off before its turn, and at the very moment of its turn.
        first.cancel()
        limiter.release()
        second.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        assert limiter.in_flight == 0
        await asyncio.wait_for(limiter.acquire(), 1)

    asyncio.run(play())


def test_an_open_limiter_admits_all() -> None:
    async def play() -> None:
        limiter = ConcurrencyLimiter(0)
        waiting = [asyncio.create_task(limiter.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        limiter.admit_all()
        await asyncio.wait_for(asyncio.gather(*waiting), 1)

    asyncio.run(play())
