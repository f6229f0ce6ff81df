"""How many requests may be in flight at once in this process. Pure."""

from __future__ import annotations

import asyncio
from collections import deque


class ConcurrencyLimiter:
    """A semaphore whose limit may change while it is in use. For one event loop."""

    def __init__(self, limit: int = 1) -> None:
        self.limit = limit
        self.in_flight = 0
        # How many places there is use for; None while nobody knows.
        self.wanted: int | None = None
        self._is_open = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> None:
        if self._has_room() and not self._waiting:
            self.in_flight += 1
            return
        ticket: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(ticket)
        try:
            await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled():
                # Let in and told to go at the same moment: the next one takes the place.
                self.leave()
            raise

    def leave(self) -> None:
        self.in_flight -= 1
        self._let_in()

    def set_limit(self, limit: int) -> None:
        self.limit = limit
        self._let_in()

    def open(self) -> None:
        """Let everybody in from now on: for those who wait only to be told that they may go home."""
        self._is_open = True
        self._let_in()

    def _has_room(self) -> bool:
        return self._is_open or self.in_flight < self.limit

    def _let_in(self) -> None:
        while self._waiting and self._has_room():
            ticket = self._waiting.popleft()
            if not ticket.done():
                self.in_flight += 1
                ticket.set_result(None)
