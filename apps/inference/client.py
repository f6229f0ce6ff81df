"""A client of any OpenAI-compatible server, made for continuing prefixes by the thousand. Pure."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Unpack

from apps.inference.connection import Connection, ConnectionOptions, TemporaryFailure
from apps.inference.errors import InvalidResponse, PromptTooLong, RequestRefused, SettingRefused
from apps.inference.refusals import adapted
from apps.inference.transports import TRANSPORTS
from apps.inference.transports.base import Body, read_choices, read_usage
from apps.inference.transports.prefill import PROBE, begins_with, without_prefix
from apps.inference.types import CompletionChoice, CompletionPrompt, ModelResponse, SamplingParameters, Server

# A server that returns a single choice this many times in a row when several are requested ignores `n`.
IGNORES_N_AFTER = 3


class Client(Connection):
    """Requests completions. An asynchronous context manager, as every connection is."""

    def __init__(self, server: Server, **options: Unpack[ConnectionOptions]) -> None:
        super().__init__(server, **options)
        # Properties of the server: known before, or learned by this client.
        self.most_choices = server.most_choices
        self.refused_settings = set(server.refused_settings)
        self.echoes_prefill = server.echoes_prefill
        self._prefill_lock = asyncio.Lock()
        self._transport = TRANSPORTS[server.transport]
        self._url = server.url.rstrip("/") + self._transport.path
        self._single_choices = 0

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
            return replace(response, requests=response.requests + requests) if requests else response

    async def _with_retries(
        self, prompt: CompletionPrompt, sampling: SamplingParameters, n: int, seed: int
    ) -> ModelResponse:
        whole = self._transport.body(self.server, prompt, sampling, n=n, seed=seed)

        async def read(content: Any) -> ModelResponse:
            choices = await self._without_echo(self._choices(content, n), prompt, whole)
            return ModelResponse(choices, read_usage(self.server, content, choices))

        response, requests = await self.post(self._url, adapted(whole, self.refused_settings), read)
        return response if response.requests == requests else replace(response, requests=requests)

    def _choices(self, content: Any, n: int) -> tuple[CompletionChoice, ...]:
        choices = read_choices(self._transport, content)[:n]
        if not choices:
            raise TemporaryFailure(InvalidResponse("The endpoint responded without a choice."))
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
        content = await self.post_once(self._url, adapted(probe_body, self.refused_settings))
        return all(begins_with(choice, PROBE.prefix) for choice in self._choices(content, 1))
