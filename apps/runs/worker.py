"""The frame of a worker at a run: it drives an engine and watches the run's status, budget and endpoint."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys
import time
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from django.core.exceptions import ObjectDoesNotExist

from apps.core.errors import DomainError
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import JobStatus
from apps.inference.models import Endpoint
from apps.runs import lifecycle
from apps.runs.endpoint import ENDPOINT_GONE, endpoint_unusable_reason
from apps.runs.engine import EndpointDown
from apps.runs.models import ShardedRun
from apps.runs.schedule import GRACE_S, WorkSlice, has_waiting_runs
from apps.runs.shards import next_lapse
from apps.runs.store import ItemStore

log = logging.getLogger(__name__)

WATCH_EVERY_S = 0.2
CHECK_ENDPOINT_EVERY_S = 2.0  # Its grant and its model, which takes several queries.
# How long a thread may wait for the interpreter. The one that stores results waits often and briefly; with the default of
# 5 ms each time, answered requests would keep their slots in flight too long.
SWITCH_EVERY_S = 0.0005

R = TypeVar("R", bound=ShardedRun)


class StoppableEngine(Protocol):
    async def run(self) -> None: ...

    def stop(self, *, at_once: bool = False) -> None: ...


class RunWorker(Generic[R]):
    """A subclass has the store and opens the engine."""

    store: ItemStore[R, Any]

    def __init__(self, run: R, work_slice: WorkSlice) -> None:
        self.run = run
        self.work_slice = work_slice
        self.name = f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"

    def engine(self, endpoint: Endpoint) -> AbstractAsyncContextManager[StoppableEngine]:
        """The engine, with its connection to the endpoint."""
        raise NotImplementedError

    def finish_if_done(self) -> bool:
        """End the run if all its items are processed. Returns whether it is over or paused."""
        raise NotImplementedError

    def over_budget(self, run: R) -> str | None:
        """A sentence that names the reached limit of the budget; None if no limit is reached."""
        raise NotImplementedError

    def serve(self) -> bool:
        """Work until the run ends, pauses, is deleted, or the work slice is over.

        Returns whether its message is to be sent again.
        """
        run = self.run
        sys.setswitchinterval(SWITCH_EVERY_S)
        try:
            with end_on_error(f"{run.verb} run {run.pk}", lambda error: lifecycle.fail(run, error=error)):
                try:
                    self.work()
                except EndpointDown as down:
                    lifecycle.pause(run, reason=str(down))
            run.refresh_from_db()
            return run.status == JobStatus.RUNNING
        except type(run).DoesNotExist:
            log.info("%s run %s was deleted", run.verb, run.pk)
            return False
        finally:
            self.store.close()

    def work(self) -> None:
        """Run the engine until the run is done, and again while other workers hold shards that may lapse."""
        while not self._is_over():
            endpoint = self.run.endpoint
            if endpoint is None:
                raise DomainError(ENDPOINT_GONE, code="no_endpoint")
            if reason := endpoint_unusable_reason(self.run):
                raise EndpointDown(reason)
            asyncio.run(self._run_engine(endpoint))
            # Items may be open without a reason to stop: the run was paused and resumed while the engine stopped.
            if self.store.is_stale or self.store.has_open_items:
                self.store.start_over()
                continue
            if self.finish_if_done() or self._is_over():
                return
            lapse = next_lapse(self.run)
            log.info(
                "%s run %s: waiting for shards of other workers, the next until %s", self.run.verb, self.run.pk, lapse
            )
            time.sleep(1.0)
            if has_waiting_runs(self.run):
                return

    def _is_over(self) -> bool:
        self.run.refresh_from_db()
        return self.work_slice.is_over or self.run.status != JobStatus.RUNNING

    async def _run_engine(self, endpoint: Endpoint) -> None:
        """From the first claim until nothing is left to claim, or the engine is stopped."""
        async with self.engine(endpoint) as engine:
            watcher = asyncio.create_task(self._watch(engine))
            try:
                await engine.run()
            finally:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)

    async def _watch(self, engine: StoppableEngine) -> None:
        """Keep the shards' leases. Stop the engine when the run is paused, cancelled or deleted, or the work slice is over."""
        try:
            await self._watch_run(engine)
        except ObjectDoesNotExist:
            engine.stop(at_once=True)

    async def _watch_run(self, engine: StoppableEngine) -> None:
        """Raises DoesNotExist if the run was deleted."""
        stopped_at: float | None = None
        check_endpoint_at = time.monotonic() + CHECK_ENDPOINT_EVERY_S
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            stored = await self.store.heartbeat()
            if stored.status == JobStatus.CANCELLED:
                engine.stop(at_once=True)
            elif self.store.is_stale:
                engine.stop()
            elif stored.status != JobStatus.RUNNING or self.work_slice.is_over:
                engine.stop()
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() > stopped_at + GRACE_S:
                    engine.stop(at_once=True)
            elif self.work_slice.may_end and await self.store.in_thread(self.work_slice.ends_for_others):
                engine.stop()
            else:
                reason = self._pause_reason(stored)
                if reason is None and time.monotonic() > check_endpoint_at:
                    reason = await self.store.in_thread(lambda: endpoint_unusable_reason(self.run))
                    check_endpoint_at = time.monotonic() + CHECK_ENDPOINT_EVERY_S
                if reason:
                    await self.store.in_thread(partial(lifecycle.pause, self.run, reason=reason))
                    engine.stop()

    def _pause_reason(self, stored: R) -> str | None:
        """Why the run must pause: its endpoint was removed, or its budget is spent. None if it may continue."""
        if stored.endpoint_id is None:
            return ENDPOINT_GONE
        return self.over_budget(stored) if any(stored.budget.values()) else None
