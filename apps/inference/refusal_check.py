"""Whether a refusal concerns one request or every request to the endpoint. Pure."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from apps.inference.client import Client
from apps.inference.errors import EndpointFailure, PromptTooLong, RequestRefused
from apps.inference.prompts import Template
from apps.inference.retry_policy import DOWN_AFTER
from apps.inference.transports.prefill import PROBE
from apps.inference.types import SamplingParameters

Probe = Callable[[], Awaitable[int]]  # Sends a short request, and returns the number of HTTP requests.


class RefusalCheck:
    """Tracks all requests of one worker at one run.

    Before the first success, and after several refusals in a row, a short request is sent with the same settings. If it
    is refused too, the settings or the model are at fault, and the run would end without any result.
    """

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._has_no_success = True
        self._refusals_in_a_row = 0
        self._lock = asyncio.Lock()

    def record_success(self) -> None:
        self._has_no_success, self._refusals_in_a_row = False, 0

    async def is_general(self, failure: EndpointFailure) -> bool:
        """Whether every request would be refused. Requests sent to find out are added to `failure.requests`."""
        if not isinstance(failure, RequestRefused) or isinstance(failure, PromptTooLong):
            return False
        self._refusals_in_a_row += 1
        async with self._lock:
            if not self._has_no_success and self._refusals_in_a_row < DOWN_AFTER:
                return False
            try:
                failure.requests += await self._probe()
            except EndpointFailure as probe_failure:
                failure.requests += probe_failure.requests
                return isinstance(probe_failure, RequestRefused)
            self.record_success()
            return False


def completion_probe(client: Client, template: Template, sampling: SamplingParameters) -> Probe:
    """A probe for runs that sample completions."""
    prompt = template.prompt(PROBE.problem, ["1 + 1 ="], "\n")

    async def probe() -> int:
        return (await client.complete(prompt, sampling)).requests

    return probe
