"""The frame of engines that send many items at once, with as many requests in flight as the limiter admits. Pure.

An item is a solution or a comparison. Each proceeds on its own, in a sliding window. All that blocks is behind the
store, which the engine awaits.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Generic, Protocol, TypeVar

from apps.inference.concurrency.limiter import ConcurrencyLimiter

FIRST_CLAIM, LARGEST_CLAIM = 32, 128  # Items that are claimed at once; in between, half the limit.
# Open requests as multiples of the limit: items are started until the most are open, and again when few are.
MOST_OPEN, FEW_OPEN = 1.3, 1.15
# The pause between two flushes, as a share of the time for which a request has its slot: a request that waits for its
# flush keeps a slot from the next one, and each flush is a transaction of a millisecond or more.
FLUSH_SHARE, SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 0.025, 0.005, 0.05
CYCLES = 16  # Of the event loop, at least, in which requests for all slots are started.
SPARE_SLOTS = 4  # Slots kept for further requests of the claimed items when nothing is left to claim.


class EndpointDown(Exception):
    """The endpoint is down or refuses all requests. The message is a sentence for people."""


class State(Protocol):
    """A claimed item. `is_taken_over`: by another worker."""

    is_taken_over: bool

    @property
    def item_id(self) -> int: ...


class Storable(Protocol):
    """Something of an item to be stored, such as a response or its result."""

    @property
    def item_id(self) -> int: ...


S = TypeVar("S", bound=State)
R = TypeVar("R", bound=Storable)
S_co = TypeVar("S_co", bound=State, covariant=True)


class ItemSource(Protocol[S_co]):
    async def claim(self, count: int) -> Sequence[S_co]:
        """Up to `count` more items; an empty list if none are left for this worker."""


class ItemEngine(Generic[S, R]):
    """Runs until no work is left, `stop` is called, or the endpoint is down (raises EndpointDown).

    A subclass processes one item in `_process` and stores records in `_flush`, which is never called concurrently.
    """

    # Whether the items that are started may send further requests after `stop`, within the limit.
    completes_started: ClassVar = False

    def __init__(self, limiter: ConcurrencyLimiter, source: ItemSource[S]) -> None:
        self.limiter = limiter
        self._source = source
        self._pending: list[tuple[Sequence[R], asyncio.Future[bool]]] = []
        self._has_pending = asyncio.Event()
        self._few_are_open = asyncio.Event()
        limiter.on_new_limit = self._report_room
        self._stopping = asyncio.Event()
        self._active: set[asyncio.Task[None]] = set()
        self._open_requests = 0  # Waiting for a slot, or in flight.
        self._slot_s = 0.0  # For which a request has its slot: a moving average.
        self._is_all_claimed = False
        self._down: str | None = None

    def stop(self, *, at_once: bool = False) -> None:
        """Start no more. What is in flight is awaited and stored, or cancelled (`at_once`)."""
        self._stopping.set()
        self._few_are_open.set()
        if at_once or self._down or not self.completes_started:
            self.limiter.admit_all()
        if at_once:
            for task in self._active:
                task.cancel()

    async def run(self) -> None:
        """Raises EndpointDown, and any unexpected error of a task; what is stored stays."""
        try:
            async with asyncio.TaskGroup() as group:
                flushing = group.create_task(self._flush_continuously())
                await self._start_items(group)
                while self._active:
                    await asyncio.wait(self._active)
                flushing.cancel()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if self._down:
            raise EndpointDown(self._down)

    # --- what a subclass does -------------------------------------------------------------------------------

    async def _process(self, state: S) -> None:
        """Send the requests of one item, and store what follows from the responses."""
        raise NotImplementedError

    async def _flush(self, records: Sequence[R]) -> set[int]:
        """Store all of them in one transaction. Returns the items that another worker has taken over."""
        raise NotImplementedError

    # --- items ----------------------------------------------------------------------------------------------

    async def _start_items(self, group: asyncio.TaskGroup) -> None:
        """Claim the next items while the claimed ones are started."""
        claim, started = group.create_task(self._claim()), 0
        while states := await claim:
            claim = group.create_task(self._claim())
            for state in states:
                if not self._is_below(MOST_OPEN):
                    await self._until_few_are_open()
                if self._stopping.is_set():
                    return
                task = group.create_task(self._process(state))
                self._active.add(task)
                task.add_done_callback(self._active.discard)
                started += 1
                if started >= self._items_per_cycle:
                    await asyncio.sleep(0)
                    started = 0
        self._is_all_claimed = True
        self._report_demand()

    @property
    def _items_per_cycle(self) -> int:
        """How many items are started in one cycle of the event loop. Their requests are counted one or two cycles later."""
        if not self._open_requests:
            return 1
        requests_per_item = max(1.0, self._open_requests / max(1, len(self._active)))
        return max(1, int(self.limiter.limit / CYCLES / requests_per_item))

    async def _until_few_are_open(self) -> None:
        """Wait until fewer requests are open than FEW_OPEN times the limit, or the engine stops."""
        while not self._is_below(FEW_OPEN) and not self._stopping.is_set():
            self._few_are_open.clear()
            await self._few_are_open.wait()

    def _report_room(self) -> None:
        if self._is_below(FEW_OPEN):
            self._few_are_open.set()

    def _is_below(self, share: float) -> bool:
        return self._open_requests < share * max(1, self.limiter.limit)

    async def _claim(self) -> Sequence[S]:
        """More at once under a high limit, where a claim would otherwise be outrun by the requests of its items."""
        count = min(max(FIRST_CLAIM, self.limiter.limit // 2), LARGEST_CLAIM)
        return await self._source.claim(count)

    def _continues(self, state: S) -> bool:
        return not state.is_taken_over and not self._stopping.is_set()

    # --- requests -------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        """A slot in the limiter for one request. Ask `_continues` within: a stopped engine admits all."""
        self._open_requests += 1
        self._report_demand()
        try:
            await self.limiter.acquire()
            started = time.monotonic()
            try:
                yield
            finally:
                self.limiter.release()
                self._slot_s += 0.02 * (time.monotonic() - started - self._slot_s)
        finally:
            self._open_requests -= 1
            self._report_room()
            self._report_demand()

    def _report_demand(self) -> None:
        """When nothing is left to claim, leave slots without use to the other workers."""
        if self._is_all_claimed:
            self.limiter.demand = self._open_requests + SPARE_SLOTS

    def _stop_for(self, reason: str) -> None:
        """Stop because further requests would fail too."""
        self._down = self._down or reason
        self.stop()

    # --- storing --------------------------------------------------------------------------------------------

    async def _store(self, *records: R) -> bool:
        """Wait until the records of one item are stored. Returns False if another worker has taken the item over."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._pending.append((records, stored))
        self._has_pending.set()
        return await stored

    async def _flush_continuously(self) -> None:
        """Records that arrive during one flush, or in the pause after it, are stored by the next."""
        while True:
            await self._has_pending.wait()
            self._has_pending.clear()
            pending, self._pending = self._pending, []
            taken_over = await self._flush([record for records, _ in pending for record in records])
            for records, stored in pending:
                if not stored.done():
                    stored.set_result(records[0].item_id not in taken_over)
            await asyncio.sleep(self.flush_pause_s)

    @property
    def flush_pause_s(self) -> float:
        return min(max(SHORTEST_PAUSE_S, FLUSH_SHARE * self._slot_s), LONGEST_PAUSE_S)
