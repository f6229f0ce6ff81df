"""A worker at an estimation run: it drives the engine and watches the run's status, budget and endpoint."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Sequence
from functools import partial

from apps.core.cache import GRADE_CACHE
from apps.core.errors import DomainError
from apps.core.jobs.errors import end_on_error
from apps.core.jobs.model import JobStatus
from apps.estimation.engine.engine import EndpointDown, Engine, Question
from apps.estimation.engine.solution_state import Plan
from apps.estimation.engine.tree import TreeEngine
from apps.estimation.models import EstimationRun
from apps.estimation.runs.endpoint import ENDPOINT_GONE, endpoint_unusable_reason
from apps.estimation.runs.notices import add_notices
from apps.estimation.runs.parameters import sampling_of
from apps.estimation.runs.services import begin_run, fail_run, finish_if_done, over_budget, pause_run
from apps.estimation.strategies import strategy_of
from apps.estimation.strategies.tree import Tree
from apps.estimation.worker.schedule import GRACE_S, WorkSlice, has_waiting_runs
from apps.estimation.worker.shards import next_lapse
from apps.estimation.worker.store import RunStore
from apps.estimation.worker.tree_store import PostgresTreeStore
from apps.inference.client import Client
from apps.inference.concurrency.shared_client import shared_client
from apps.inference.models import Endpoint
from apps.inference.prompts import Template
from apps.inference.refusals import notice_of
from apps.inference.services import save_learned_settings
from apps.verifiers.pool.pool import GradingPool

log = logging.getLogger(__name__)

WATCH_EVERY_S = 0.5
# How long a thread may wait for the interpreter. The one that stores results waits often and briefly; with the default of
# 5 ms each time, answered requests would keep their slots in flight too long.
SWITCH_EVERY_S = 0.0005


def run_estimation_slice(*, run_id: int) -> bool:
    """Work on the run until it ends, pauses, or the work slice is over. Returns whether its message is to be sent again."""
    run = begin_run(run_id=run_id)
    if run is None:
        return False
    sys.setswitchinterval(SWITCH_EVERY_S)
    with GradingPool() as pool:
        worker = Worker(run, pool, WorkSlice(run))
        try:
            with end_on_error(f"estimation run {run.pk}", lambda error: fail_run(run=run, error=error)):
                try:
                    worker.work()
                except EndpointDown as down:
                    pause_run(run=run, reason=str(down))
        finally:
            worker.store.close()
    run.refresh_from_db()
    return run.status == JobStatus.RUNNING


class Worker:
    def __init__(self, run: EstimationRun, pool: GradingPool, work_slice: WorkSlice) -> None:
        self.run = run
        self.pool = pool
        self.work_slice = work_slice
        self.name = f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"
        self.store = (PostgresTreeStore if run.strategy == Tree.name else RunStore)(run, self.name, pool)

    def work(self) -> None:
        """Run the engine until the run is done, and again while other workers hold shards that may lapse."""
        while not self._is_over():
            endpoint = self.run.endpoint
            if endpoint is None:
                raise DomainError(ENDPOINT_GONE, code="no_endpoint")
            if reason := endpoint_unusable_reason(self.run):
                raise EndpointDown(reason)
            asyncio.run(self._run_engine(endpoint))
            # Solutions may be open without a reason to stop: the run was paused and resumed while the engine stopped.
            if self.store.is_stale or self.store.has_open_solutions:
                self.store.start_over()
                continue
            if finish_if_done(run=self.run) or self._is_over():
                return
            lapse = next_lapse(self.run)
            log.info("run %s: waiting for shards of other workers, the next until %s", self.run.pk, lapse)
            time.sleep(1.0)
            if has_waiting_runs(self.run):
                return

    def _is_over(self) -> bool:
        self.run.refresh_from_db()
        return self.work_slice.is_over or self.run.status != JobStatus.RUNNING

    async def _run_engine(self, endpoint: Endpoint) -> None:
        """From the first claim until nothing is left to claim, or the engine is stopped."""
        run = self.run
        plan = Plan(
            strategy=strategy_of(run.strategy, run.options),
            sampling=sampling_of(run.sampling),
            template=Template(**run.prompt),
            seed=run.seed,
            answers_suffice=run.answers_suffice,
        )
        async with shared_client(endpoint, self.name) as (client, limiter):
            kind = TreeEngine if isinstance(self.store, PostgresTreeStore) else Engine
            engine = kind(plan, client, limiter, self.store, self._grade)
            watcher = asyncio.create_task(self._watch(engine))
            try:
                await engine.run()
            finally:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)
                await self.store.in_thread(lambda: self._save_learned_settings(endpoint, client))

    def _save_learned_settings(self, endpoint: Endpoint, client: Client) -> None:
        """For the next run, and as notices of this one."""
        save_learned_settings(endpoint=endpoint, client=client)
        add_notices(self.run, [notice_of(setting) for setting in sorted(client.refused_settings)])

    async def _grade(self, questions: Sequence[Question]) -> Sequence[bool | None]:
        """Most answers are graded at once: handing them to a thread would cost more than the grading."""
        grades = {question: self.pool.grade_inline(*question) for question in questions}
        if slow := [question for question, grade in grades.items() if grade is None]:
            grades |= zip(slow, await asyncio.to_thread(self.pool.grade_many, slow, GRADE_CACHE), strict=True)
        return [grade.is_correct if (grade := grades[question]) else None for question in questions]

    async def _watch(self, engine: Engine) -> None:
        """Keep the shards' leases. Stop the engine when the run is paused or cancelled, or the work slice is over."""
        stopped_at: float | None = None
        while True:
            await asyncio.sleep(WATCH_EVERY_S)
            status = await self.store.heartbeat()
            if status == JobStatus.CANCELLED:
                engine.stop(at_once=True)
            elif self.store.is_stale:
                engine.stop()
            elif status != JobStatus.RUNNING or self.work_slice.is_over:
                engine.stop()
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() > stopped_at + GRACE_S:
                    engine.stop(at_once=True)
            elif self.work_slice.may_end and await self.store.in_thread(self.work_slice.ends_for_others):
                engine.stop()
            elif reason := await self.store.in_thread(self._pause_reason):
                await self.store.in_thread(partial(pause_run, run=self.run, reason=reason))
                engine.stop()

    def _pause_reason(self) -> str | None:
        """Why the run must pause: its endpoint may not be used, or its budget is spent. None if it may continue."""
        if reason := endpoint_unusable_reason(self.run):
            return reason
        return over_budget(EstimationRun.objects.get(pk=self.run.pk)) if any(self.run.budget.values()) else None
