"""Retries, final failures, and how the client learns which settings a server accepts."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from apps.inference.client import IGNORES_N_AFTER, Client
from apps.inference.errors import (
    EndpointFailure,
    InvalidResponse,
    KeyRefused,
    NotServed,
    Overloaded,
    RateLimited,
    RequestRefused,
    Unreachable,
)
from apps.inference.types import CompletionPrompt, ModelResponse, SamplingParameters, Server
from tests.inference.scripted import ReceivedRequest, Reply, Scripted, completions, in_turn, scripted

PROMPT, SAMPLING = CompletionPrompt("Compute 1 + 1."), SamplingParameters()
GOOD = completions("2")


async def asking(
    server: Scripted,
    n: int = 1,
    *,
    key: str = "",
    timeout_s: float = 5,
    attempts: int = 3,
    on_overload: Callable[[], None] = lambda: None,
) -> ModelResponse:
    config = Server(server.url, "small", api_key=key, timeout_s=timeout_s)
    async with Client(config, attempts=attempts, first_pause_s=0.01, on_overload=on_overload) as client:
        return await client.complete(PROMPT, SAMPLING, n=n, seed=1)


def ask(server: Scripted, n: int = 1, **more: Any) -> ModelResponse:
    return asyncio.run(asking(server, n, **more))


PASSING = {
    "429": Reply("slow down", status=429),
    "408": Reply("late", status=408),
    "500": Reply("oops", status=500),
    "502": Reply("bad gateway", status=502),
    "503": Reply("loading", status=503),
    "a reset": Reply(cuts=True),
    "a time-out": Reply(GOOD.body, hang_s=1.0),
    "a gateway's page": Reply("<html>gateway</html>"),
    "no choices": Reply({"choices": []}),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", PASSING)
def test_what_may_pass_is_asked_again_and_the_request_is_the_same(fault: str) -> None:
    with scripted(in_turn(PASSING[fault], GOOD)) as server:
        answer = ask(server, timeout_s=0.4)
    assert (answer.choices[0].text, answer.requests) == ("2", 2)
    first, second = server.bodies
    assert first == second


LASTING = {
    "429": RateLimited,
    "500": Overloaded,
    "a reset": Unreachable,
    "a time-out": Unreachable,
    "a gateway's page": InvalidResponse,
    "no choices": InvalidResponse,
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", LASTING)
def test_what_does_not_pass_is_given_up_and_counted(fault: str) -> None:
    with scripted(lambda _: PASSING[fault]) as server, pytest.raises(LASTING[fault]) as caught:
        ask(server, timeout_s=0.2)
    assert caught.value.requests == len(server.asked) == 3


FINAL = {
    400: RequestRefused,
    401: KeyRefused,
    402: KeyRefused,
    403: KeyRefused,
    404: NotServed,
    413: RequestRefused,
    422: RequestRefused,
    301: NotServed,
}


@pytest.mark.parametrize("status", FINAL)
def test_what_would_be_refused_again_is_asked_once(status: int) -> None:
    refusal = Reply({"error": {"message": "no such thing"}}, status=status, headers={"Location": "http://127.0.0.1:9/"})
    with scripted(lambda _: refusal) as server, pytest.raises(FINAL[status], match=f"{status}: no such thing"):
        ask(server)
    assert len(server.asked) == 1


def test_an_unreachable_address_is_reported() -> None:
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        asyncio.run(_nobody())
    assert caught.value.requests == 2


async def _nobody() -> ModelResponse:
    async with Client(Server("http://127.0.0.1:9/v1", "small"), attempts=2, first_pause_s=0.01) as client:
        return await client.complete(PROMPT, SAMPLING)


def noted_pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the client means to wait from now on: a clock would measure the machine as well."""
    pauses, sleep = [], asyncio.sleep

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(seconds)

    monkeypatch.setattr(asyncio, "sleep", noted)
    return pauses


@pytest.mark.slow
def test_retry_after_is_respected_and_pauses_grow_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(in_turn(Reply(status=429, headers={"Retry-After": "0.7"}), GOOD)) as server:
        ask(server)
    first, second = (one.at for one in server.asked)
    assert second - first >= 0.7
    dates = Reply(status=429, headers={"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"})
    with scripted(in_turn(dates, GOOD)) as server:
        pauses = noted_pauses(monkeypatch)
        ask(server)
    assert max(pauses) < 20


def test_pauses_double_and_are_never_the_same_for_all() -> None:
    client = Client(Server("http://127.0.0.1:9", "small"), first_pause_s=1.0)
    pauses = [[client._pause(attempt, None) for _ in range(50)] for attempt in (1, 2, 3, 4)]
    assert all(2 ** (place - 1) <= one <= 2**place for place, some in enumerate(pauses) for one in some)
    assert all(max(some) <= max(more) for some, more in pairwise(pauses))
    assert len(set(pauses[3])) > 40
    assert client._pause(20, None) <= 60
    assert 5 <= client._pause(1, 5.0) <= 6
    assert client._pause(1, 3600.0) <= 61


@pytest.mark.parametrize(("status", "calls"), [(429, 1), (503, 1), (500, 0), (400, 0)])
def test_only_an_overloaded_server_makes_us_slow_down(status: int, calls: int) -> None:
    overloads: list[int] = []
    with scripted(in_turn(Reply(status=status), GOOD)) as server:
        try:
            ask(server, on_overload=lambda: overloads.append(1))
        except EndpointFailure:
            assert status == 400
    assert len(overloads) == calls


# --- n ----------------------------------------------------------------------------------------------------


def _capped(most: int) -> Callable[[ReceivedRequest], Reply]:
    def script(asked: ReceivedRequest) -> Reply:
        if asked.body["n"] > most:
            return Reply({"error": {"message": f"Value must be between 1 <= value <= {most}"}}, status=400)
        return completions(*["2"] * asked.body["n"])

    return script


def test_a_cap_on_n_is_learned_by_halving_and_remembered() -> None:
    async def twice() -> None:
        async with Client(Server(server.url, "small"), first_pause_s=0.01) as client:
            first = await client.complete(PROMPT, SAMPLING, n=16)
            assert (len(first.choices), first.requests) == (4, 3)
            assert client.fitting(16) == 4
            second = await client.complete(PROMPT, SAMPLING, n=client.fitting(16))
            assert (len(second.choices), second.requests) == (4, 1)

    with scripted(_capped(5)) as server:
        asyncio.run(twice())
    assert [body["n"] for body in server.bodies] == [16, 8, 4, 4]


def test_a_refusal_unrelated_to_n_counts_all_its_requests() -> None:
    with scripted(lambda _: Reply("too long", status=400)) as server, pytest.raises(RequestRefused) as caught:
        ask(server, n=8)
    assert caught.value.requests == len(server.asked) == 4


def test_a_server_that_ignores_n_is_found_out() -> None:
    async def often() -> None:
        async with Client(Server(server.url, "small")) as client:
            for _ in range(IGNORES_N_AFTER):
                assert client.fitting(8) == 8
                await client.complete(PROMPT, SAMPLING, n=8)
            assert client.fitting(8) == 1

    with scripted(lambda _: GOOD) as server:
        asyncio.run(often())


def test_one_short_answer_is_no_reason_to_think_that_n_is_ignored() -> None:
    async def often() -> None:
        async with Client(Server(server.url, "small")) as client:
            for _ in range(6):
                await client.complete(PROMPT, SAMPLING, n=8)
            assert client.fitting(8) == 8

    with scripted(in_turn(GOOD, GOOD, completions("2", "2"), GOOD, GOOD, completions("2", "2"))) as server:
        asyncio.run(often())


def test_more_choices_than_were_asked_for_are_left_aside() -> None:
    with scripted(lambda _: completions("1", "2", "3")) as server:
        assert [one.text for one in ask(server, n=2).choices] == ["1", "2"]


# --- keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 404, 500])
def test_a_server_that_repeats_the_key_does_not_get_it_any_further(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def script(asked: ReceivedRequest) -> Reply:
        return Reply({"error": {"message": f"wrong: {asked.headers['Authorization']}"}}, status=status)

    with scripted(script) as server, pytest.raises(EndpointFailure) as caught:
        ask(server, key="sk-very-secret")
    chain: BaseException | None = caught.value
    while chain is not None:
        assert "sk-very-secret" not in f"{chain} {chain!r}"
        chain = chain.__cause__ or chain.__context__
    assert "[key]" in str(caught.value)
    assert "sk-very-secret" not in caplog.text


def test_a_long_error_page_is_cut() -> None:
    with scripted(lambda _: Reply("x" * 100_000, status=400)) as server, pytest.raises(RequestRefused) as caught:
        ask(server)
    assert len(str(caught.value)) < 400
