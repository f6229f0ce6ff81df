"""HTTP to one model server: JSON in, JSON out, with retries, the address guard and failures by their kind. Pure.

Uses aiohttp: at 256 requests in flight an httpx client needs many times the CPU time.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self, TypedDict, TypeVar, Unpack

import aiohttp
import msgspec

from apps.inference.addresses import REFUSAL, AddressGuard
from apps.inference.errors import (
    AddressNotAllowed,
    EndpointFailure,
    InvalidResponse,
    KeyRefused,
    NotServed,
    Overloaded,
    PromptTooLong,
    RateLimited,
    RequestRefused,
    SettingRefused,
    Unreachable,
)
from apps.inference.refusals import OTHER_NAMES, read_refusal
from apps.inference.transports.base import Body
from apps.inference.types import Server

T = TypeVar("T")

ATTEMPTS = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
LONGEST_MESSAGE = 300
NOT_ABOUT_THE_REQUEST = frozenset({401, 402, 403, 404})
RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class TemporaryFailure(Exception):
    """This attempt failed, but the next may succeed."""

    def __init__(self, failure: EndpointFailure, *, wait_s: float | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.wait_s = wait_s


class ConnectionOptions(TypedDict, total=False):
    """How often and how long to try. `on_overload` is called when the server asks for fewer requests (429 and 503)."""

    attempts: int
    first_pause_s: float
    rng: random.Random
    on_overload: Callable[[], None]


class Connection:
    """A connection pool to one server: an asynchronous context manager, for one event loop."""

    def __init__(self, server: Server, **options: Unpack[ConnectionOptions]) -> None:
        self.server = server
        self._attempts = options.get("attempts", ATTEMPTS)
        self._first_pause_s = options.get("first_pause_s", FIRST_PAUSE_S)
        self._rng = options.get("rng") or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._on_overload = options.get("on_overload", lambda: None)
        allowed = server.allowed_addresses
        self._guard = None if allowed is None else AddressGuard(server.url, allowed, is_vouched=server.is_vouched)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"Content-Type": "application/json"}
        if self.server.api_key:
            headers["Authorization"] = f"Bearer {self.server.api_key}"
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, socket_factory=self._guard.make_socket if self._guard else None),
            timeout=aiohttp.ClientTimeout(total=self.server.timeout_s),
            headers=headers,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, url: str, body: Body, read: Callable[[Any], Awaitable[T]]) -> tuple[T, int]:
        """What `read` makes of the response, and the number of requests. Raises EndpointFailure with that number.

        `read` may raise TemporaryFailure for a response that cannot be used; then the request is sent again.
        """
        for attempt in range(1, self._attempts + 1):
            try:
                return await read(await self.post_once(url, body)), attempt
            except TemporaryFailure as error:
                if attempt == self._attempts:
                    error.failure.requests = attempt
                    raise error.failure from error
                await asyncio.sleep(self._pause(attempt, error.wait_s))
            except EndpointFailure as failure:
                failure.requests = attempt
                raise
        raise AssertionError("the last attempt returns or raises")

    async def post_once(self, url: str, body: Body) -> Any:
        """The decoded response to a single request. Raises TemporaryFailure and EndpointFailure."""
        assert self._session is not None, "use the client as an asynchronous context manager"
        try:
            async with self._session.post(url, data=msgspec.json.encode(body), allow_redirects=False) as response:
                raw = await response.read()
                if response.status != 200:
                    raise self._failure(response, raw, body)
        except (TimeoutError, aiohttp.ServerTimeoutError) as error:
            failure = Unreachable(f"The endpoint did not respond within {self.server.timeout_s:g} s.")
            raise TemporaryFailure(failure) from error
        except (aiohttp.ClientError, OSError) as error:
            if self._guard is not None and self._guard.refused:
                raise AddressNotAllowed(REFUSAL) from error
            reason = self._redacted(str(error) or type(error).__name__)
            raise TemporaryFailure(Unreachable(f"The endpoint cannot be reached: {reason}")) from error
        try:
            return msgspec.json.decode(raw)
        except msgspec.DecodeError:
            # The fast reader refuses half of a surrogate pair, which a model may write and its server escape.
            try:
                return json.loads(raw)
            except ValueError as error:
                raise TemporaryFailure(InvalidResponse("The endpoint's response is not JSON.")) from error

    def _pause(self, attempt: int, retry_after_s: float | None) -> float:
        """Seconds to wait: as the server asks, else doubled with each attempt; with jitter."""
        longest = min(LONGEST_PAUSE_S, self._first_pause_s * 2 ** (attempt - 1))
        if retry_after_s is not None:
            return min(retry_after_s, LONGEST_PAUSE_S) + self._rng.uniform(0, self._first_pause_s)
        return self._rng.uniform(longest / 2, longest)

    def _failure(self, response: aiohttp.ClientResponse, raw: bytes, body: Body) -> Exception:
        """The failure behind a response with another status than 200."""
        status, refusal = response.status, read_refusal(raw, LONGEST_MESSAGE)
        reason = self._redacted(refusal.message)
        message = f"The endpoint answered {status}{': ' + reason if reason else ''}"
        if status in (429, 503):
            self._on_overload()
        elif status not in NOT_ABOUT_THE_REQUEST and refusal.is_about_length(status):
            return PromptTooLong(f"The prompt is too long for the model. {message}")
        if status in RETRIED or status >= 500:
            kind = RateLimited if status == 429 else Overloaded
            return TemporaryFailure(kind(message), wait_s=_retry_after(response))
        if status in (401, 402, 403):
            return KeyRefused(message)
        if status == 404 or 300 <= status < 400:
            return NotServed(message)
        setting = refusal.unknown_setting(body)
        if setting is not None and setting not in OTHER_NAMES.values():
            return SettingRefused(message, setting)
        return RequestRefused(message)

    def _redacted(self, text: str) -> str:
        """Without the API key, which a server may repeat in its message."""
        key = self.server.api_key
        return (text.replace(key, "[key]") if key else text)[:LONGEST_MESSAGE]


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """The seconds in `Retry-After`. Dates are ignored: they are rare and imprecise."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None
