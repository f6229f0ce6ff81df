"""A limit on the requests in flight in this process. Pure."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable


class ConcurrencyLimiter:
    """A semaphore whose limit can change while it is in use. For one event loop."""

    def __init__(self, limit: int = 1) -> None:
        self.limit = limit
        self.in_flight = 0
        # How many slots the process can use; None: unknown.
        self.demand: int | None = None
        self.on_new_limit: Callable[[], None] = lambda: None
        self._is_open = False
        self._waiters: deque[asyncio.Future[None]] = deque()

    async def acquire(self) -> None:
        if self._has_room() and not self._waiters:
            self.in_flight += 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # Admitted and cancelled at the same moment: pass the slot on.
                self.release()
            raise

    def release(self) -> None:
        self.in_flight -= 1
        self._admit()

    def set_limit(self, limit: int) -> None:
        self.limit = limit
        self._admit()
        self.on_new_limit()

    def admit_all(self) -> None:
        """Admit all waiters, present and future, so that they can find that the work is stopped."""
        self._is_open = True
        self._admit()

    def _has_room(self) -> bool:
        return self._is_open or self.in_flight < self.limit

    def _admit(self) -> None:
        while self._waiters and self._has_room():
            waiter = self._waiters.popleft()
            if not waiter.done():
                self.in_flight += 1
                waiter.set_result(None)
