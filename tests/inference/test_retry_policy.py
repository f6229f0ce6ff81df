"""When an endpoint counts as down."""

from __future__ import annotations

import pytest

from apps.inference.connection import ATTEMPTS, LONGEST_PAUSE_S
from apps.inference.errors import EndpointFailure, KeyRefused, NotServed, Overloaded, RateLimited, Unreachable
from apps.inference.retry_policy import LONGEST_RATE_LIMIT_S, AttemptCounter, EndpointHealth
from apps.runs.schedule import GRACE_S, SLICE_S


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("failure", [KeyRefused("401"), NotServed("404")])
def test_a_permanent_failure_means_down_at_once(failure: EndpointFailure) -> None:
    assert EndpointHealth().is_down_after(failure)


def test_an_endpoint_is_down_after_six_failures_in_a_row_and_a_success_resets_the_count() -> None:
    health = EndpointHealth()
    assert [health.is_down_after(Unreachable("away")) for _ in range(5)] == [False] * 5
    health.record_success()
    assert [health.is_down_after(Overloaded("500")) for _ in range(6)] == [False] * 5 + [True]


def test_rate_limiting_is_tolerated_until_five_minutes_pass_without_another_response() -> None:
    clock = Clock()
    health = EndpointHealth(clock)
    assert not any(health.is_down_after(RateLimited("429")) for _ in range(1000))
    clock.now += 290
    assert not health.is_down_after(RateLimited("429"))
    health.record_success()
    clock.now += 290
    assert not health.is_down_after(RateLimited("429"))
    clock.now += 11
    assert health.is_down_after(RateLimited("429"))


def test_rate_limiting_is_noticed_within_a_slice_however_long_the_server_asks_to_wait() -> None:
    """The count starts again with each slice, and a failure is reported only after all retries of its request."""
    assert max(LONGEST_RATE_LIMIT_S, (ATTEMPTS - 1) * LONGEST_PAUSE_S) + ATTEMPTS * LONGEST_PAUSE_S <= SLICE_S + GRACE_S


def test_rate_limiting_does_not_use_up_the_attempts_of_a_request() -> None:
    tries = AttemptCounter()
    assert not any(tries.is_last(RateLimited("429")) for _ in range(100))
    assert [tries.is_last(Unreachable("late")) for _ in range(3)] == [False, False, True]
