"""A worker at a scoring run, and the runs' place in the schedule of workers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from apps.inference.concurrency.shared_client import shared_connection
from apps.inference.models import Endpoint
from apps.inference.refusals import notice_of
from apps.inference.scoring_client import ScoringClient
from apps.runs import lifecycle
from apps.runs.notices import add_notices
from apps.runs.schedule import WaitingRun, WorkSlice, waiting_sharded_runs
from apps.runs.worker import RunWorker
from apps.scoring.apply import apply_scores
from apps.scoring.engine import ScoringEngine
from apps.scoring.models import ScoringRun, ScoringShard
from apps.scoring.parameters import scorer_of
from apps.scoring.services import finish_if_done, over_budget
from apps.scoring.worker.store import PostgresScoreStore


class ScoringRuns:
    """The kind of run, for `settings.RUN_KINDS`."""

    task = ScoringRun.task

    def waiting(self) -> list[WaitingRun]:
        return waiting_sharded_runs(ScoringRun, ScoringShard.objects.all())

    def serve(self, run_id: int) -> None:
        run_scoring_slice(run_id=run_id)


SCORING_RUNS = ScoringRuns()


def run_scoring_slice(*, run_id: int) -> bool:
    """Work on the run until it ends, pauses, or the work slice is over. Returns whether its message is to be sent again."""
    run = lifecycle.begin(ScoringRun, run_id)
    if run is None:
        return False
    goes_on = ScoringWorker(run, WorkSlice(run)).serve()
    apply_scores(run_id=run_id)
    return goes_on


class ScoringWorker(RunWorker[ScoringRun]):
    store: PostgresScoreStore

    def __init__(self, run: ScoringRun, work_slice: WorkSlice) -> None:
        super().__init__(run, work_slice)
        self.store = PostgresScoreStore(run, self.name)

    @asynccontextmanager
    async def engine(self, endpoint: Endpoint) -> AsyncIterator[ScoringEngine]:
        run = self.run
        async with shared_connection(ScoringClient, endpoint, self.name) as (client, limiter):
            scorer = scorer_of(run.kind, client.server, run.options, run.prompt)
            try:
                yield ScoringEngine(scorer, client, limiter, self.store, run.reducer)
            finally:
                notices = [notice_of(setting) for setting in sorted(client.refused_settings)]
                await self.store.in_thread(lambda: add_notices(run, notices))

    def finish_if_done(self) -> bool:
        return finish_if_done(run=self.run)

    def over_budget(self, run: ScoringRun) -> str | None:
        return over_budget(run)
