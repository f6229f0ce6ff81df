"""A worker at an estimation run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from apps.core.cache import GRADE_CACHE
from apps.estimation.engine.engine import Engine, Question
from apps.estimation.engine.solution_state import Plan
from apps.estimation.engine.tree import TreeEngine
from apps.estimation.models import EstimationRun
from apps.estimation.runs.services import begin_run, finish_if_done, over_budget
from apps.estimation.strategies import strategy_of
from apps.estimation.strategies.tree import Tree
from apps.estimation.worker.store import RunStore
from apps.estimation.worker.tree_store import PostgresTreeStore
from apps.inference.client import Client
from apps.inference.concurrency.shared_client import shared_client
from apps.inference.models import Endpoint
from apps.inference.prompts import Template
from apps.inference.refusals import notice_of
from apps.inference.services import save_learned_settings
from apps.runs.notices import add_notices
from apps.runs.parameters import sampling_of
from apps.runs.schedule import WorkSlice
from apps.runs.worker import RunWorker
from apps.verifiers.pool.pool import GradingPool


def run_estimation_slice(*, run_id: int) -> bool:
    """Work on the run until it ends, pauses, or the work slice is over. Returns whether its message is to be sent again."""
    run = begin_run(run_id=run_id)
    if run is None:
        return False
    with GradingPool() as pool:
        return Worker(run, pool, WorkSlice(run)).serve()


class Worker(RunWorker[EstimationRun]):
    store: RunStore

    def __init__(self, run: EstimationRun, pool: GradingPool, work_slice: WorkSlice) -> None:
        super().__init__(run, work_slice)
        self.pool = pool
        self.store = (PostgresTreeStore if run.strategy == Tree.name else RunStore)(run, self.name, pool)

    @asynccontextmanager
    async def engine(self, endpoint: Endpoint) -> AsyncIterator[Engine]:
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
            try:
                yield kind(plan, client, limiter, self.store, self._grade)
            finally:
                await self.store.in_thread(lambda: self._save_learned_settings(endpoint, client))

    def finish_if_done(self) -> bool:
        return finish_if_done(run=self.run)

    def over_budget(self, run: EstimationRun) -> str | None:
        return over_budget(run)

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
