"""A worker at a judge run, and the runs' place in the schedule of workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.inference.client import Client
from apps.inference.concurrency.shared_client import shared_client
from apps.inference.models import Endpoint
from apps.inference.refusals import notice_of
from apps.inference.services import save_learned_settings
from apps.judging.engine.engine import JudgingEngine
from apps.judging.models import JudgeRun, JudgeShard
from apps.judging.runs.parameters import plan_of
from apps.judging.runs.services import finish_if_done, over_budget
from apps.judging.worker.store import JudgeRunStore
from apps.runs import lifecycle
from apps.runs.notices import add_notices
from apps.runs.schedule import WaitingRun, WorkSlice, waiting_sharded_runs
from apps.runs.worker import RunWorker
from apps.verifiers.pool.pool import GradingPool


class JudgeRuns:
    """The kind of run, for `settings.RUN_KINDS`."""

    task = JudgeRun.task

    def waiting(self) -> list[WaitingRun]:
        return waiting_sharded_runs(JudgeRun, JudgeShard.objects.all())

    def serve(self, run_id: int) -> None:
        run_judging_slice(run_id=run_id)


JUDGE_RUNS = JudgeRuns()


def run_judging_slice(*, run_id: int) -> bool:
    """Work on the run until it ends, pauses, or the work slice is over. Returns whether its message is to be sent again."""
    run = lifecycle.begin(JudgeRun, run_id)
    if run is None:
        return False
    with GradingPool() as pool:
        return JudgingWorker(run, pool, WorkSlice(run)).serve()


class JudgingWorker(RunWorker[JudgeRun]):
    store: JudgeRunStore

    def __init__(self, run: JudgeRun, pool: GradingPool, work_slice: WorkSlice) -> None:
        super().__init__(run, work_slice)
        self.plan = plan_of(run)
        self.store = JudgeRunStore(run, self.name, pool, self.plan.attempts)

    @asynccontextmanager
    async def engine(self, endpoint: Endpoint) -> AsyncIterator[JudgingEngine]:
        async with shared_client(endpoint, self.name) as (client, limiter):
            try:
                yield JudgingEngine(self.plan, client, limiter, self.store)
            finally:
                await self.store.in_thread(lambda: self._save_learned_settings(endpoint, client))

    def finish_if_done(self) -> bool:
        return finish_if_done(run=self.run)

    def over_budget(self, run: JudgeRun) -> str | None:
        return over_budget(run)

    def _save_learned_settings(self, endpoint: Endpoint, client: Client) -> None:
        """For the next run, and as notices of this one."""
        save_learned_settings(endpoint=endpoint, client=client)
        add_notices(self.run, [notice_of(setting) for setting in sorted(client.refused_settings)])
