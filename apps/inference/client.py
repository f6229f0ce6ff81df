"""An asynchronous client of any OpenAI-compatible server, made for continuing prefixes by the thousand. Pure.

On aiohttp: at 256 requests in flight one httpx client spends many times the time on itself.
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
    KeyRefused,
    NotServed,
    Overloaded,
    PromptTooLong,
    RequestRefused,
    SettingRefused,
    TooMany,
    Unreachable,
    Unreadable,
)
from apps.inference.refusals import OTHER_NAMES, adapted, read_refusal
from apps.inference.transports import TRANSPORTS
from apps.inference.transports.base import Body, read_choices, read_usage
from apps.inference.transports.prefill import PROBE, begins_with, without_prefix
from apps.inference.types import Answer, Choice, Prompt, Sampling, Server

ATTEMPTS = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
# A server that gives one choice so many times in a row when asked for several does not know `n`.
DEAF_AFTER = 3
SHOWN_OF_AN_ERROR = 300
NOT_THE_REQUEST = frozenset({401, 402, 403, 404})
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class _Passing(Exception):
    """This attempt failed, the next may not."""

    def __init__(self, failure: EndpointFailure, *, wait_s: float | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.wait_s = wait_s


class Client:
    """One connection pool to one server. An asynchronous context manager; use it on one event loop.

    `on_overload` is called when the server asks for fewer requests (429 and 503).
    """

    def __init__(
        self,
        server: Server,
        *,
        attempts: int = ATTEMPTS,
        first_pause_s: float = FIRST_PAUSE_S,
        dice: random.Random | None = None,
        on_overload: Callable[[], None] = lambda: None,
    ) -> None:
        self.server = server
        # What the server is known to take, and what of it has been learned here.
        self.most_choices = server.most_choices
        self.refused_settings = set(server.refused_settings)
        self.echoes_prefill = server.echoes_prefill
        self._learning = asyncio.Lock()
        self._transport = TRANSPORTS[server.transport]
        self._url = server.url.rstrip("/") + self._transport.path
        self._attempts = attempts
        self._first_pause_s = first_pause_s
        self._dice = dice or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._on_overload = on_overload
        self._lonely_answers = 0
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
        """As many of `n` choices as the server is known to give in one request."""
        return min(n, self.most_choices or n)

    async def complete(self, prompt: Prompt, sampling: Sampling, *, n: int = 1, seed: int = 0) -> Answer:
        """Up to `n` completions: fewer where the server gives fewer. Raises EndpointFailure.

        A setting that the server does not take is left out, or sent under the server's name for it; a request for
        several choices that is refused for another reason is asked for half as many. What works is remembered.
        A prompt that is too long for the model is not asked again.
        """
        requests = 0
        while True:
            try:
                answer = await self._with_retries(prompt, sampling, n, seed)
            except SettingRefused as refused:
                requests += refused.requests
                self.refused_settings.add(refused.setting)
                if refused.setting == "n":
                    n = self.most_choices = 1
                continue
            except RequestRefused as refused:
                refused.requests += requests
                if n == 1 or isinstance(refused, PromptTooLong):
                    raise
                requests = refused.requests
                n //= 2
                continue
            if requests:
                self.most_choices = min(n, self.most_choices or n)
            self._listen(n, len(answer.choices))
            return Answer(answer.choices, answer.usage, answer.requests + requests)

    def _listen(self, asked: int, given: int) -> None:
        """Notice a server that takes `n` and ignores it."""
        self._lonely_answers = self._lonely_answers + 1 if asked > 1 and given == 1 else 0
        if self._lonely_answers >= DEAF_AFTER:
            self.most_choices = 1

    async def _with_retries(self, prompt: Prompt, sampling: Sampling, n: int, seed: int) -> Answer:
        whole = self._transport.body(self.server, prompt, sampling, n=n, seed=seed)
        body = adapted(whole, self.refused_settings)
        for attempt in range(1, self._attempts + 1):
            try:
                told = await self._post(body)
                choices = await self._unechoed(self._choices(told, n), prompt, whole)
                return Answer(choices, read_usage(self.server, told, choices), attempt)
            except _Passing as passing:
                if attempt == self._attempts:
                    passing.failure.requests = attempt
                    raise passing.failure from passing
                await asyncio.sleep(self._pause(attempt, passing.wait_s))
            except EndpointFailure as failure:
                failure.requests = attempt
                raise
        raise AssertionError("the last attempt returns or raises")

    def _choices(self, told: Any, n: int) -> tuple[Choice, ...]:
        choices = read_choices(self._transport, told)[:n]
        if not choices:
            raise _Passing(Unreadable("The endpoint answered without a single choice."))
        return choices

    async def _unechoed(self, choices: tuple[Choice, ...], prompt: Prompt, body: Body) -> tuple[Choice, ...]:
        """Without the prefilled text at their beginning, where this server is one that repeats it."""
        if not self._transport.prefills or not prompt.prefix or self.echoes_prefill is False:
            return choices
        if self.echoes_prefill is None and any(choice.text for choice in choices):
            async with self._learning:
                if self.echoes_prefill is None:
                    is_like_it = all(begins_with(choice, prompt.prefix) for choice in choices if choice.text)
                    self.echoes_prefill = is_like_it and await self._repeats_probe(prompt, body)
        return tuple(without_prefix(one, prompt.prefix) for one in choices) if self.echoes_prefill else choices

    async def _repeats_probe(self, prompt: Prompt, body: Body) -> bool:
        """A model may begin by repeating itself; what it is given here it would not write of its own accord."""
        if prompt.prefix == PROBE.prefix:
            return True
        short = replace(PROBE, system=prompt.system)
        settings = {name: value for name, value in body.items() if name not in ("messages", "stop")}
        asked = self._transport.body(self.server, short, Sampling(), n=1, seed=0) | settings | {"n": 1, "max_tokens": 8}
        told = await self._post(adapted(asked, self.refused_settings))
        return all(begins_with(choice, PROBE.prefix) for choice in self._choices(told, 1))

    def _pause(self, attempt: int, told_s: float | None) -> float:
        """Seconds: what the server asked for, else twice as long each time; never the same for all."""
        longest = min(LONGEST_PAUSE_S, self._first_pause_s * 2 ** (attempt - 1))
        if told_s is not None:
            return min(told_s, LONGEST_PAUSE_S) + self._dice.uniform(0, self._first_pause_s)
        return self._dice.uniform(longest / 2, longest)

    async def _post(self, body: Body) -> Any:
        assert self._session is not None, "use the client as an asynchronous context manager"
        try:
            async with self._session.post(self._url, data=msgspec.json.encode(body), allow_redirects=False) as response:
                raw = await response.read()
                if response.status != 200:
                    raise self._failure(response, raw, body)
        except (TimeoutError, aiohttp.ServerTimeoutError) as error:
            late = Unreachable(f"The endpoint did not answer within {self.server.timeout_s:g} s.")
            raise _Passing(late) from error
        except (aiohttp.ClientError, OSError) as error:
            if self._guard is not None and self._guard.refused:
                raise AddressNotAllowed(REFUSAL) from error
            lost = Unreachable(f"The endpoint cannot be reached: {self._safe(str(error) or type(error).__name__)}")
            raise _Passing(lost) from error
        try:
            return _decoded(raw)
        except ValueError as error:
            raise _Passing(Unreadable("The endpoint answered with something that is not JSON.")) from error

    def _failure(self, response: aiohttp.ClientResponse, raw: bytes, body: Body) -> Exception:
        """What an answer that is not 200 means for us."""
        status, refusal = response.status, read_refusal(raw, SHOWN_OF_AN_ERROR)
        said = self._safe(refusal.message)
        told = f"The endpoint answered {status}{': ' + said if said else ''}"
        if status in (429, 503):
            self._on_overload()
        elif status not in NOT_THE_REQUEST and refusal.is_about_length(status):
            return PromptTooLong(f"The prompt is too long for the model. {told}")
        if status in PASSING or status >= 500:
            kind = TooMany if status == 429 else Overloaded
            return _Passing(kind(told), wait_s=_retry_after(response))
        if status in (401, 402, 403):
            return KeyRefused(told)
        if status == 404 or 300 <= status < 400:
            return NotServed(told)
        setting = refusal.unknown_setting(body)
        if setting is not None and setting not in OTHER_NAMES.values():
            return SettingRefused(told, setting)
        return RequestRefused(told)

    def _safe(self, text: str) -> str:
        """Servers repeat what they were sent; a key is never repeated further."""
        key = self.server.api_key
        return (text.replace(key, "[key]") if key else text)[:SHOWN_OF_AN_ERROR]


def _decoded(raw: bytes) -> Any:
    """Half a character that a model wrote, escaped by its server, is refused by the fast reader. Raises ValueError."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return json.loads(raw)


def _retry_after(response: aiohttp.ClientResponse) -> float | None:
    """Seconds that the server asks us to wait. Dates are as rare as they are imprecise: left aside."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None
