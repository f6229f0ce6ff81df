"""Whether a refused request is to blame itself, or the endpoint would refuse every other one as well. Pure."""

from __future__ import annotations

import asyncio

from apps.inference.client import Client
from apps.inference.errors import EndpointFailure, PromptTooLong, RequestRefused
from apps.inference.prompts import Template
from apps.inference.retry_policy import DOWN_AFTER
from apps.inference.transports.prefill import PROBE
from apps.inference.types import Sampling


class RefusalCheck:
    """Of all requests of one worker at one run together.

    While nothing has been answered yet, and after several refusals in a row, a short prompt is sent with the same
    settings. Where that is refused too, the settings are at fault, or the model: a run that went on would end
    without a single rollout.
    """

    def __init__(self, client: Client, template: Template, sampling: Sampling) -> None:
        self._client = client
        self._prompt = template.prompt(PROBE.problem, ["1 + 1 ="], "\n")
        self._sampling = sampling
        self._is_doubted = True
        self._refusals_in_a_row = 0
        self._asking = asyncio.Lock()

    def answered(self) -> None:
        self._is_doubted, self._refusals_in_a_row = False, 0

    async def is_general(self, failure: EndpointFailure) -> bool:
        """Counts the requests that it takes into the failure's."""
        if not isinstance(failure, RequestRefused) or isinstance(failure, PromptTooLong):
            return False
        self._refusals_in_a_row += 1
        async with self._asking:
            if not self._is_doubted and self._refusals_in_a_row < DOWN_AFTER:
                return False
            try:
                answer = await self._client.complete(self._prompt, self._sampling)
            except EndpointFailure as again:
                failure.requests += again.requests
                return isinstance(again, RequestRefused)
            failure.requests += answer.requests
            self.answered()
            return False
