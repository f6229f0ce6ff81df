"""Claiming solutions for a worker and storing what the engine brings, in PostgreSQL.

A shard is a run of solutions in one worker's hands. Results go in with the counters that count them, in one
transaction; unique keys make a shard that is done twice change nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from apps.core.db.copy import commit_without_waiting
from apps.core.jobs import JobStatus
from apps.estimation.engine.results import Result
from apps.estimation.engine.solution_state import Batch, Work
from apps.estimation.models import EstimationRun, Shard
from apps.estimation.runs.selection import selected
from apps.estimation.worker.load import load
from apps.estimation.worker.write import insert, one_transaction
from apps.verifiers.pool.pool import GradingPool

Given = TypeVar("Given")

LEASE = timedelta(seconds=20)
# How long the database may be away before a worker gives up; what it had stored stays, and it is sent again.
DATABASE_BACK_WITHIN_S = 60.0


class RunStore:
    """One worker's hold on one run. Two threads of its own, each with a database connection: one flushes, one claims."""

    def __init__(self, run: EstimationRun, holder: str, pool: GradingPool) -> None:
        self.run = run
        self.holder = holder
        self.pool = pool
        self._open: dict[int, set[int]] = {}
        self._shard_of: dict[int, int] = {}
        # The database went away meanwhile: a crash may have undone what we take to be stored, so that nothing may
        # follow from it any more until it has been read again.
        self.is_stale = False
        self._flusher = ThreadPoolExecutor(1, thread_name_prefix="flush")
        self._claimer = ThreadPoolExecutor(1, thread_name_prefix="claim")

    async def claim(self, count: int) -> list[Work]:
        return await self._in(self._claimer, lambda: self._claim(count))

    async def flush(self, batches: Sequence[Batch], results: Sequence[Result]) -> set[int]:
        return await self._in(self._flusher, lambda: self._flush(batches, results))

    async def control(self) -> str:
        """Hold on to our shards; gives the run's status."""
        return await self._in(self._claimer, self._control)

    async def apart(self, act: Callable[[], Given]) -> Given:
        """Something else that needs the database, in a thread that has a connection."""
        return await self._in(self._claimer, act)

    @property
    def is_holding(self) -> bool:
        """Whether solutions that we claimed have no result yet."""
        return bool(self._open)

    def start_over(self) -> None:
        """Give back what is not done; whoever claims it next, maybe we, reads what is stored of it."""
        self._claimer.submit(self._patiently, self._give_back).result()
        self.is_stale = False

    def close(self) -> None:
        """Give back what is not done, and the connections."""
        self._claimer.submit(self._patiently, self._give_back).result()
        for executor in (self._flusher, self._claimer):
            executor.submit(lambda: connection.close()).result()  # noqa: PLW0108 - that thread's own
            executor.shutdown()

    async def _in(self, executor: ThreadPoolExecutor, act: Callable[[], Given]) -> Given:
        return await asyncio.get_running_loop().run_in_executor(executor, lambda: self._patiently(act))

    def _patiently(self, act: Callable[[], Given]) -> Given:
        """Again, when the database went away meanwhile: every act here is one transaction and may be repeated."""
        deadline = time.monotonic() + DATABASE_BACK_WITHIN_S
        while True:
            try:
                return act()
            except (OperationalError, InterfaceError):
                self.is_stale = True
                connection.close()
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    # --- claiming -------------------------------------------------------------------------------------------

    def _claim(self, count: int) -> list[Work]:
        while (shard := self._take_shard(count)) is not None:
            works = load(self.run, shard, self.pool)
            if works:
                self._open[shard.pk] = {work.solution_id for work in works}
                self._shard_of.update((work.solution_id, shard.pk) for work in works)
                return works
            Shard.objects.filter(pk=shard.pk).update(finished_at=timezone.now())
        return []

    @transaction.atomic
    def _take_shard(self, count: int) -> Shard | None:
        """One that its holder has left, else the next solutions of the run."""
        now = timezone.now()
        left = (
            Shard.objects.unfinished()
            .filter(run=self.run, leased_until__lte=now)
            .select_for_update(skip_locked=True)
            .order_by("leased_until")
            .first()
        )
        if left is not None:
            left.holder, left.leased_until = self.holder, now + LEASE
            left.save(update_fields=["holder", "leased_until"])
            return left
        run = EstimationRun.objects.select_for_update(of=("self",)).get(pk=self.run.pk)
        if run.status != JobStatus.RUNNING:
            return None
        ids = list(
            selected(run)
            .filter(id__gt=run.first_solution, id__lte=run.last_solution)
            .order_by("id")
            .values_list("id", flat=True)[:count]
        )
        after, upto = run.first_solution, ids[-1] if ids else run.last_solution
        EstimationRun.objects.filter(pk=run.pk).update(first_solution=upto)
        if not ids:
            return None
        return Shard.objects.create(run=run, after=after, upto=upto, holder=self.holder, leased_until=now + LEASE)

    # --- storing --------------------------------------------------------------------------------------------

    def _flush(self, batches: Sequence[Batch], results: Sequence[Result]) -> set[int]:
        """Rollouts are what they are; results follow from rollouts that may be gone when we are stale."""
        unsure = {result.solution_id for result in results} if self.is_stale else set()
        results = [] if self.is_stale else results
        with one_transaction():
            commit_without_waiting()
            counted = insert(self.run, batches, results)
            if done := self._done_shards(results):
                Shard.objects.filter(pk__in=done, holder=self.holder).update(finished_at=timezone.now())
            # Last, for its row is everybody's: it is locked until the end of this transaction.
            counted.add_to(self.run)
        for result in results:
            self._forget(result.solution_id)
        for solution_id in counted.elsewhere:
            self._leave(solution_id)
        return counted.elsewhere | unsure

    def _done_shards(self, results: Sequence[Result]) -> list[int]:
        done: defaultdict[int, set[int]] = defaultdict(set)
        for result in results:
            if (shard := self._shard_of.get(result.solution_id)) is not None:
                done[shard].add(result.solution_id)
        return [shard for shard, solutions in done.items() if self._open[shard] <= solutions]

    def _forget(self, solution_id: int) -> None:
        shard = self._shard_of.pop(solution_id, None)
        if shard is not None:
            self._open[shard].discard(solution_id)
            if not self._open[shard]:
                del self._open[shard]

    def _leave(self, solution_id: int) -> None:
        """Another worker is at this shard. If it is not, the lease lets somebody take it up again."""
        shard = self._shard_of.get(solution_id)
        for one in self._open.pop(shard, set()) if shard is not None else ():
            self._shard_of.pop(one, None)

    # --- holding on -----------------------------------------------------------------------------------------

    def _control(self) -> str:
        now = timezone.now()
        held = Shard.objects.unfinished().filter(pk__in=list(self._open), holder=self.holder)
        held.filter(leased_until__lt=now + LEASE / 2).update(leased_until=now + LEASE)
        EstimationRun.objects.filter(pk=self.run.pk, status=JobStatus.RUNNING).update(beat_at=now)
        return str(EstimationRun.objects.values_list("status", flat=True).get(pk=self.run.pk))

    def _give_back(self) -> None:
        Shard.objects.unfinished().filter(run=self.run, holder=self.holder).update(leased_until=timezone.now())
        self._open.clear()
        self._shard_of.clear()


def next_lapse(run: EstimationRun) -> datetime | None:
    """When the first shard in other hands can be taken over; None when there are none."""
    return (
        Shard.objects.unfinished()
        .filter(run=run)
        .order_by("leased_until")
        .values_list("leased_until", flat=True)
        .first()
    )
