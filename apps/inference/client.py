"""An asynchronous client of any OpenAI-compatible server, made for continuing prefixes by the thousand. Pure.

Uses aiohttp: at 256 requests in flight an httpx client needs many times the CPU time.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

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
from apps.inference.refusals import OTHER_NAMES, adapted, read_refusal
from apps.inference.transports import TRANSPORTS
from apps.inference.transports.base import Body, read_choices, read_usage
from apps.inference.transports.prefill import PROBE, begins_with, without_prefix
from apps.inference.types import CompletionChoice, CompletionPrompt, ModelResponse, SamplingParameters, Server

ATTEMPTS = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
# A server that returns a single choice this many times in a row when several are requested ignores `n`.
IGNORES_N_AFTER = 3
LONGEST_MESSAGE = 300
NOT_ABOUT_THE_REQUEST = frozenset({401, 402, 403, 404})
RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class _TemporaryFailure(Exception):
    """This attempt failed, but the next may succeed."""

    def __init__(self, failure: EndpointFailure, *, wait_s: float | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.wait_s = wait_s


class Client:
    """A connection pool to one server: an asynchronous context manager, for one event loop.

    `on_overload` is called when the server asks for fewer requests (429 and 503).
    """

    def __init__(
        self,
        server: Server,
        *,
        attempts: int = ATTEMPTS,
        first_pause_s: float = FIRST_PAUSE_S,
        rng: random.Random | None = None,
        on_overload: Callable[[], None] = lambda: None,
    ) -> None:
        self.server = server
        # Properties of the server: known before, or learned by this client.
        self.most_choices = server.most_choices
        self.refused_settings = set(server.refused_settings)
        self.echoes_prefill = server.echoes_prefill
        self._prefill_lock = asyncio.Lock()
        self._transport = TRANSPORTS[server.transport]
        self._url = server.url.rstrip("/") + self._transport.path
        self._attempts = attempts
        self._first_pause_s = first_pause_s
        self._rng = rng or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._on_overload = on_overload
        self._single_choices = 0
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

    def fitting(self, n: int) -> int:
        """`n`, or the most choices that the server is known to return for one request."""
        return min(n, self.most_choices or n)

    async def complete(
        self, prompt: CompletionPrompt, sampling: SamplingParameters, *, n: int = 1, seed: int = 0
    ) -> ModelResponse:
        """Up to `n` completions; fewer if the server returns fewer. Raises EndpointFailure.

        A setting that the server refuses is left out, or sent under the server's name for it. A request for several
        choices that is refused for another reason is repeated with half as many. What works is remembered. A prompt
        that is too long for the model is not sent again.
        """
        requests = 0
        while True:
            try:
                response = await self._with_retries(prompt, sampling, n, seed)
            except SettingRefused as refusal:
                requests += refusal.requests
                self.refused_settings.add(refusal.setting)
                if refusal.setting == "n":
                    n = self.most_choices = 1
                continue
            except RequestRefused as refusal:
                refusal.requests += requests
                if n == 1 or isinstance(refusal, PromptTooLong):
                    raise
                requests = refusal.requests
                n //= 2
                continue
            if requests:
                self.most_choices = min(n, self.most_choices or n)
            self._single_choices = self._single_choices + 1 if n > 1 and len(response.choices) == 1 else 0
            if self._single_choices >= IGNORES_N_AFTER:
                self.most_choices = 1
            return ModelResponse(response.choices, response.usage, response.requests + requests)

    async def _with_retries(
        self, prompt: CompletionPrompt, sampling: SamplingParameters, n: int, seed: int
    ) -> ModelResponse:
        whole = self._transport.body(self.server, prompt, sampling, n=n, seed=seed)
        body = adapted(whole, self.refused_settings)
        for attempt in range(1, self._attempts + 1):
            try:
                content = await self._post(body)
                choices = await self._without_echo(self._choices(content, n), prompt, whole)
                return ModelResponse(choices, read_usage(self.server, content, choices), attempt)
            except _TemporaryFailure as error:
                if attempt == self._attempts:
                    error.failure.requests = attempt
                    raise error.failure from error
                await asyncio.sleep(self._pause(attempt, error.wait_s))
            except EndpointFailure as failure:
                failure.requests = attempt
                raise
        raise AssertionError("the last attempt returns or raises")

    def _choices(self, content: Any, n: int) -> tuple[CompletionChoice, ...]:
        choices = read_choices(self._transport, content)[:n]
        if not choices:
            raise _TemporaryFailure(InvalidResponse("The endpoint responded without a choice."))
        return choices

    async def _without_echo(
        self, choices: tuple[CompletionChoice, ...], prompt: CompletionPrompt, body: Body
    ) -> tuple[CompletionChoice, ...]:
        """Without the prefilled text at their beginning, if this server repeats it."""
        if not self._transport.prefills or not prompt.prefix or self.echoes_prefill is False:
            return choices
        if self.echoes_prefill is None and any(choice.text for choice in choices):
            async with self._prefill_lock:
                if self.echoes_prefill is None:
                    may_echo = all(begins_with(choice, prompt.prefix) for choice in choices if choice.text)
                    self.echoes_prefill = may_echo and await self._echoes_probe(prompt, body)
        return tuple(without_prefix(choice, prompt.prefix) for choice in choices) if self.echoes_prefill else choices

    async def _echoes_probe(self, prompt: CompletionPrompt, body: Body) -> bool:
        """Prefill a text that no model would write by itself: a model may also repeat the prefix on its own."""
        if prompt.prefix == PROBE.prefix:
            return True
        probe = replace(PROBE, system=prompt.system)
        settings = {name: value for name, value in body.items() if name not in ("messages", "stop")}
        probe_body = (
            self._transport.body(self.server, probe, SamplingParameters(), n=1, seed=0)
            | settings
            | {"n": 1, "max_tokens": 8}
        )
        content = await self._post(adapted(probe_body, self.refused_settings))
        return all(begins_with(choice, PROBE.prefix) for choice in self._choices(content, 1))

    def _pause(self, attempt: int, retry_after_s: float | None) -> float:
        """Seconds to wait: as the server asks, else doubled with each attempt; with jitter."""
        longest = min(LONGEST_PAUSE_S, self._first_pause_s * 2 ** (attempt - 1))
        if retry_after_s is not None:
            return min(retry_after_s, LONGEST_PAUSE_S) + self._rng.uniform(0, self._first_pause_s)
        return self._rng.uniform(longest / 2, longest)

    async def _post(self, body: Body) -> Any:
        assert self._session is not None, "use the client as an asynchronous context manager"
        try:
            async with self._session.post(self._url, data=msgspec.json.encode(body), allow_redirects=False) as response:
                raw = await response.read()
                if response.status != 200:
                    raise self._failure(response, raw, body)
        except (TimeoutError, aiohttp.ServerTimeoutError) as error:
            failure = Unreachable(f"The endpoint did not respond within {self.server.timeout_s:g} s.")
            raise _TemporaryFailure(failure) from error
        except (aiohttp.ClientError, OSError) as error:
            if self._guard is not None and self._guard.refused:
                raise AddressNotAllowed(REFUSAL) from error
            reason = self._redacted(str(error) or type(error).__name__)
            raise _TemporaryFailure(Unreachable(f"The endpoint cannot be reached: {reason}")) from error
        try:
            return msgspec.json.decode(raw)
        except msgspec.DecodeError:
            # The fast reader refuses half of a surrogate pair, which a model may write and its server escape.
            try:
                return json.loads(raw)
            except ValueError as error:
                raise _TemporaryFailure(InvalidResponse("The endpoint's response is not JSON.")) from error

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
            return _TemporaryFailure(kind(message), wait_s=_retry_after(response))
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
