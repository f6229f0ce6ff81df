"""When to give up a request, and when to consider an endpoint down. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable

from apps.inference.errors import PERMANENT_FAILURES, EndpointFailure, RateLimited

# The number of failed requests in a row after which an endpoint is down.
DOWN_AFTER = 6
ATTEMPTS_PER_REQUEST = 3
# An endpoint that answers 429 is not down: fewer requests are sent, and later. But if it has answered nothing else for this
# long, its quota is used up. Shorter than a work slice, because the counter is reset at the start of each.
LONGEST_RATE_LIMIT_S = 300.0


class EndpointHealth:
    """Tracks all requests of one worker at one run: report each success and each failure to it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures_in_a_row = 0
        self._last_success_at = clock()  # At first: when the worker began.

    def record_success(self) -> None:
        self._failures_in_a_row, self._last_success_at = 0, self._clock()

    def is_down_after(self, failure: EndpointFailure) -> bool:
        """Whether the endpoint is down after this failure: further requests are useless."""
        if isinstance(failure, RateLimited):
            return self._clock() - self._last_success_at > LONGEST_RATE_LIMIT_S
        self._failures_in_a_row += 1
        return isinstance(failure, PERMANENT_FAILURES) or self._failures_in_a_row >= DOWN_AFTER


class AttemptCounter:
    """Counts the failed attempts of one request, except those that were rate-limited."""

    def __init__(self) -> None:
        self._failed = 0

    def is_last(self, failure: EndpointFailure) -> bool:
        self._failed += not isinstance(failure, RateLimited)
        return self._failed >= ATTEMPTS_PER_REQUEST
