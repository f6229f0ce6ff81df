"""How long a run bears with an endpoint that fails. Pure."""

from __future__ import annotations

import time
from collections.abc import Callable

from apps.inference.errors import HOPELESS, EndpointFailure, TooMany

# So many requests in a row that failed for good, and the endpoint is taken to be down.
DOWN_AFTER = 6
TRIES_OF_A_REQUEST = 3
# An endpoint that says "too many requests" is not down, however often it says so: we send fewer, and wait. But one that
# has said nothing else for so long has run out of what it gives us, and people should know. Shorter than a worker's
# slice at a run, for each slice begins with new hope.
LONGEST_STORM_S = 300.0


class EndpointHealth:
    """Of all requests of one worker at one run together. Tell it of every answer and of every failure."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures_in_a_row = 0
        self._heard_at = clock()  # The last answer, or when we began.

    def answered(self) -> None:
        self._failures_in_a_row, self._heard_at = 0, self._clock()

    def ends_with(self, failure: EndpointFailure) -> bool:
        """Whether this failure is one too many: it is of no use to ask the endpoint for anything more."""
        if isinstance(failure, TooMany):
            return self._clock() - self._heard_at > LONGEST_STORM_S
        self._failures_in_a_row += 1
        return isinstance(failure, HOPELESS) or self._failures_in_a_row >= DOWN_AFTER


class AttemptCounter:
    """Of one request: `is_last` after so many failures that may be its own fault."""

    def __init__(self) -> None:
        self._failed = 0

    def is_last(self, failure: EndpointFailure) -> bool:
        self._failed += not isinstance(failure, TooMany)
        return self._failed >= TRIES_OF_A_REQUEST
