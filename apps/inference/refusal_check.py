"""Whether a refusal concerns one request or every request to the endpoint. Pure."""

from __future__ import annotations

import asyncio

from apps.inference.client import Client
from apps.inference.errors import EndpointFailure, PromptTooLong, RequestRefused
from apps.inference.prompts import Template
from apps.inference.retry_policy import DOWN_AFTER
from apps.inference.transports.prefill import PROBE
from apps.inference.types import SamplingParameters


class RefusalCheck:
    """Tracks all requests of one worker at one run.

    Before the first success, and after several refusals in a row, a short prompt is sent with the same settings. If it
    is refused too, the settings or the model are at fault, and the run would end without any rollout.
    """

    def __init__(self, client: Client, template: Template, sampling: SamplingParameters) -> None:
        self._client = client
        self._prompt = template.prompt(PROBE.problem, ["1 + 1 ="], "\n")
        self._sampling = sampling
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
                response = await self._client.complete(self._prompt, self._sampling)
            except EndpointFailure as probe_failure:
                failure.requests += probe_failure.requests
                return isinstance(probe_failure, RequestRefused)
            failure.requests += response.requests
            self.record_success()
            return False
