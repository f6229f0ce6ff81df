"""The frame of stores: the items of a run that one worker has claimed, and two threads for the database.

Results are stored together with the counters that count them, and unique keys make a repeated shard harmless.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction

from apps.core.db.copy import never_wait_for_commits
from apps.core.db.prepared import Prepared
from apps.runs.changes import RunChanges
from apps.runs.engine import S
from apps.runs.models import ShardedRun
from apps.runs.shards import OpenItems, WorkerShards

T = TypeVar("T")
R = TypeVar("R", bound=ShardedRun)

# How long the database may be down before a worker gives up. What was stored stays, and the run's message is sent again.
DATABASE_BACK_WITHIN_S = 60.0


class ItemStore(Generic[R, S]):
    """Has two threads, each with its own database connection: one flushes, the other does all else."""

    def __init__(self, run: R, holder: str, items: OpenItems) -> None:
        self.run = run
        self.holder = holder
        self._items = items
        self._stored: Prepared[R] = Prepared(lambda pk: type(run).objects.filter(pk=pk), "pk")
        self._shards = WorkerShards(run, holder)
        self._open: dict[int, set[int]] = {}  # By shard: its items without a result.
        self._shard_of: dict[int, int] = {}
        # The database went down: a crash may have undone what was stored, so nothing may follow from the loaded outcomes
        # until they have been loaded again.
        self.is_stale = False
        self._flusher = ThreadPoolExecutor(1, thread_name_prefix="flush")
        self._claimer = ThreadPoolExecutor(1, thread_name_prefix="claim")

    def _load(self, items: Sequence[Any]) -> Sequence[S]:
        """The states of these items."""
        raise NotImplementedError

    async def claim(self, count: int) -> Sequence[S]:
        return await self.in_thread(lambda: self._claim(count))

    async def heartbeat(self) -> R:
        """Renew the leases of the open shards. Returns the run as it is stored. Raises DoesNotExist if it was deleted."""
        return await self.in_thread(self._heartbeat)

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Call a function that needs the database, in a thread with a connection."""
        return await self._in_executor(self._claimer, function)

    async def in_flusher(self, function: Callable[[], T]) -> T:
        """Call a function that stores what was received. Its commits do not wait for the disk."""

        def stored() -> T:
            never_wait_for_commits()
            return function()

        return await self._in_executor(self._flusher, stored)

    @property
    def has_open_items(self) -> bool:
        """Whether claimed items have no result yet."""
        return bool(self._open)

    def start_over(self) -> None:
        """Release the open shards. The worker that claims them next loads what is stored of them."""
        self._release()
        self.is_stale = False

    def close(self) -> None:
        """Release the open shards and close the connections."""
        self._release()
        for executor in (self._flusher, self._claimer):
            executor.submit(lambda: connection.close()).result()  # noqa: PLW0108 - that thread's own
            executor.shutdown()

    async def _in_executor(self, executor: ThreadPoolExecutor, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(executor, lambda: self._with_retries(function))

    def _with_retries(self, function: Callable[[], T]) -> T:
        """Repeat the call during an outage of the database: each function can be repeated after any of its transactions."""
        deadline = time.monotonic() + DATABASE_BACK_WITHIN_S
        while True:
            try:
                return function()
            except (OperationalError, InterfaceError):
                self.is_stale = True
                connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _claim(self, count: int) -> Sequence[S]:
        while (shard := self._shards.claim(count)) is not None:
            # The lease lapsed while this worker was held up. Its items are under way: the claim has renewed the lease.
            if shard.pk in self._open:
                continue
            if items := self._items.of(shard):
                states = self._load(items)
                self._open[shard.pk] = {state.item_id for state in states}
                self._shard_of.update((state.item_id, shard.pk) for state in states)
                return states
            self._shards.finish([shard.pk])
        return []

    def _store(self, insert: Callable[[], RunChanges], solved: Collection[int]) -> set[int]:
        """Insert in one transaction with the counters, and finish the shards whose last items are `solved`.

        Returns the items that another worker has taken over. Their results may not be stored, and so their shards are not
        finished here: whoever claims them next loads what is there.
        """
        with transaction.atomic():
            changes = insert()
            solved = set(solved) - changes.taken_over
            done: defaultdict[int, set[int]] = defaultdict(set)
            for item_id in solved:
                if (shard_id := self._shard_of.get(item_id)) is not None:
                    done[shard_id].add(item_id)
            if finished := [shard_id for shard_id, item_ids in done.items() if self._open[shard_id] <= item_ids]:
                self._shards.finish(finished)
            # Last: the run's row is shared by all workers, and locked until the end of this transaction.
            changes.add_to(self.run)
        for item_id in solved:
            if (shard_id := self._shard_of.pop(item_id, None)) is not None:
                self._open[shard_id].discard(item_id)
                if not self._open[shard_id]:
                    del self._open[shard_id]
        # Leave a shard to the worker that has taken it over. If that one fails, the lease lapses.
        for item_id in changes.taken_over:
            if (shard_id := self._shard_of.get(item_id)) is not None:
                for other_id in self._open.pop(shard_id, set()):
                    self._shard_of.pop(other_id, None)
        return changes.taken_over

    def _heartbeat(self) -> R:
        self._shards.renew(list(self._open))
        stored: R | None = self._stored.first(pk=self.run.pk)
        if stored is None:
            raise type(self.run).DoesNotExist
        return stored

    def _release(self) -> None:
        self._claimer.submit(self._with_retries, self._shards.release).result()
        self._open.clear()
        self._shard_of.clear()
