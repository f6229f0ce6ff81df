"""One worker at one run: the engine, the gate's share of the endpoint, and an eye on the run's status."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Sequence

from apps.core import cache as grades
from apps.core.errors import DomainError
from apps.core.jobs import JobStatus, unforeseen
from apps.core.transient_errors import TRANSIENT_ERRORS
from apps.estimation.engine.engine import EndpointDown, Engine, Question
from apps.estimation.engine.solution_state import Plan
from apps.estimation.engine.tree import TreeEngine
from apps.estimation.models import EstimationRun
from apps.estimation.runs.endpoint import ENDPOINT_GONE, why_not_asked
from apps.estimation.runs.notices import add_notices
from apps.estimation.runs.parameters import sampling_of
from apps.estimation.runs.services import begin, fail_run, finish_if_done, over_budget, pause_run
from apps.estimation.strategies import strategy_of
from apps.estimation.strategies.tree import Tree
from apps.estimation.worker.schedule import GRACE_S, WorkSlice, others_wait
from apps.estimation.worker.store import RunStore, next_lapse
from apps.estimation.worker.tree_store import PostgresTreeStore
from apps.inference.client import Client
from apps.inference.concurrency.shared_client import shared_client
from apps.inference.models import Endpoint
from apps.inference.prompts import Template
from apps.inference.refusals import notice_of
from apps.inference.services import remember_learned
from apps.verifiers.pool.pool import GradingPool

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.5
# A thread that waits for its turn gets it after so long: the one that stores results has many short waits, and the
# default of 5 ms for each would keep requests in flight that are long answered.
SWITCH_EVERY_S = 0.0005


def work_on(*, run_id: int) -> bool:
    """Work on the run until it ends, pauses, or the slice of time is over; True when it should be sent again."""
    run = begin(run_id=run_id)
    if run is None:
        return False
    sys.setswitchinterval(SWITCH_EVERY_S)
    turn = WorkSlice(run)
    with GradingPool() as pool:
        worker = Worker(run, pool, turn)
        try:
            worker.work()
        except EndpointDown as down:
            pause_run(run=run, reason=str(down))
        except DomainError as error:
            fail_run(run=run, error=error.message)
        except TRANSIENT_ERRORS:
            raise
        except Exception as error:
            log.exception("run %s ends with an error that was not foreseen", run.pk)
            fail_run(run=run, error=unforeseen(error))
        finally:
            worker.store.close()
    run.refresh_from_db()
    return run.status == JobStatus.RUNNING


class Worker:
    def __init__(self, run: EstimationRun, pool: GradingPool, turn: WorkSlice) -> None:
        self.run = run
        self.pool = pool
        self.turn = turn
        self.name = f"{socket.gethostname()[:30]}-{os.getpid()}-{secrets.token_hex(3)}"
        self.store = (PostgresTreeStore if run.strategy == Tree.name else RunStore)(run, self.name, pool)

    def work(self) -> None:
        """Again and again, as long as others hold shards that they may leave behind."""
        while not self._is_over():
            endpoint = self.run.endpoint
            if endpoint is None:
                raise DomainError(ENDPOINT_GONE, code="no_endpoint")
            if reason := why_not_asked(self.run):
                raise EndpointDown(reason)
            asyncio.run(self._stretch(endpoint))
            # Holding still: a pause made us stop, and was over before we had come to rest.
            if self.store.is_stale or self.store.is_holding:
                self.store.start_over()
                continue
            if finish_if_done(run=self.run) or self._is_over():
                return
            lapse = next_lapse(self.run)
            log.info("run %s: waiting for shards of other workers, the next until %s", self.run.pk, lapse)
            time.sleep(1.0)
            if others_wait(self.run):
                return

    def _is_over(self) -> bool:
        self.run.refresh_from_db()
        return self.turn.is_over or self.run.status != JobStatus.RUNNING

    async def _stretch(self, endpoint: Endpoint) -> None:
        """From the first claim until there is nothing left to claim, or we are to stop."""
        async with shared_client(endpoint, self.name) as (client, gate):
            kind = TreeEngine if isinstance(self.store, PostgresTreeStore) else Engine
            engine = kind(self._plan(), client, gate, self.store, self._grade)
            watcher = asyncio.create_task(self._watch(engine))
            try:
                await engine.run()
            finally:
                watcher.cancel()
                await asyncio.gather(watcher, return_exceptions=True)
                await self.store.apart(lambda: self._remember(endpoint, client))

    def _remember(self, endpoint: Endpoint, client: Client) -> None:
        """What was learned of the endpoint, for the next run and on this one's page."""
        remember_learned(endpoint=endpoint, client=client)
        add_notices(self.run, [notice_of(setting) for setting in sorted(client.refused_settings)])

    def _plan(self) -> Plan:
        run = self.run
        return Plan(
            strategy=strategy_of(run.strategy, run.options),
            sampling=sampling_of(run.sampling),
            template=Template(**run.prompt),
            seed=run.seed,
            answers_suffice=run.answers_suffice,
        )

    async def _grade(self, questions: Sequence[Question]) -> Sequence[bool | None]:
        """Most can be told at once: to hand them to a thread would cost more than the answer."""
        told = {question: self.pool.at_once(*question) for question in questions}
        if asked := [question for question, grade in told.items() if grade is None]:
            told |= zip(asked, await asyncio.to_thread(self.pool.grade_many, asked, grades.CACHE), strict=True)
        return [grade.is_correct if (grade := told[question]) else None for question in questions]

    async def _watch(self, engine: Engine) -> None:
        """Hold on to the shards; stop when somebody says so, the grant is revoked, the budget reached or our time over."""
        stopped_at: float | None = None
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            status = await self.store.control()
            if status == JobStatus.CANCELLED:
                engine.stop(at_once=True)
            elif self.store.is_stale:
                engine.stop()
            elif status != JobStatus.RUNNING or self.turn.is_over:
                engine.stop()
                stopped_at = stopped_at or time.monotonic()
                if time.monotonic() > stopped_at + GRACE_S:
                    engine.stop(at_once=True)
            elif self.turn.may_end and await self.store.apart(self.turn.gives_way):
                engine.stop()
            elif reason := await self.store.apart(self._why_to_pause):
                await self._pause(reason)
                engine.stop()

    async def _pause(self, reason: str) -> None:
        await self.store.apart(lambda: pause_run(run=self.run, reason=reason))

    def _why_to_pause(self) -> str | None:
        """The endpoint may not be asked any more, or the budget is spent."""
        if reason := why_not_asked(self.run):
            return reason
        return over_budget(EstimationRun.objects.get(pk=self.run.pk)) if any(self.run.budget.values()) else None
