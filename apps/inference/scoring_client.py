"""A client of a reward model. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar, Unpack

import msgspec

from apps.inference.connection import Connection, ConnectionOptions
from apps.inference.errors import EndpointFailure, SettingRefused
from apps.inference.refusals import adapted
from apps.inference.scorers.base import Scorer, StepScores
from apps.inference.transports.base import Body
from apps.inference.types import Server, Usage

T = TypeVar("T")


@dataclass(slots=True)
class Spent:
    """Requests and tokens of one solution, kept also when a request fails."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_estimated: bool = False

    def add(self, usage: Usage) -> None:
        self.prompt_tokens += usage.prompt_tokens
        self.completion_tokens += usage.completion_tokens
        self.is_estimated |= usage.is_estimated


class ScoringClient(Connection):
    """Sends the requests of scorers. Settings that the server refuses are left out, which is remembered."""

    def __init__(self, server: Server, **options: Unpack[ConnectionOptions]) -> None:
        super().__init__(server, **options)
        self.refused_settings = set(server.refused_settings)

    async def score(
        self,
        scorer: Scorer,
        problem: str,
        steps: Sequence[str],
        spent: Spent,
        slot: Callable[[], AbstractAsyncContextManager[object]] = nullcontext,
    ) -> StepScores:
        """The scores of the steps. `slot` is entered for each request. Raises EndpointFailure."""

        async def ask(url: str, body: Body, read: Callable[[Any], T]) -> T:
            async with slot():
                return await self._ask(url, body, read, spent)

        return await scorer.score(ask, problem, steps)

    async def _ask(self, url: str, body: Body, read: Callable[[Any], T], spent: Spent) -> T:
        async def read_with_usage(content: Any) -> T:
            spent.add(usage_of(content, body))
            return read(content)

        while True:
            try:
                result, requests = await self.post(url, adapted(body, self.refused_settings), read_with_usage)
            except EndpointFailure as failure:
                spent.requests += failure.requests
                if not isinstance(failure, SettingRefused):
                    raise
                self.refused_settings.add(failure.setting)
                continue
            spent.requests += requests
            return result


def usage_of(content: Any, body: Body) -> Usage:
    """The server's token counts; without them, a token for each four characters of the request."""
    usage = content.get("usage") if isinstance(content, dict) else None
    prompt, completion = (
        usage.get(name) if isinstance(usage, dict) else None for name in ("prompt_tokens", "completion_tokens")
    )
    if not isinstance(prompt, int) or prompt < 0:
        return Usage(len(msgspec.json.encode(body)) // 4, 0, is_estimated=True)
    return Usage(prompt, completion if isinstance(completion, int) and completion >= 0 else 0)
