"""The kinds of runs of this app, for `settings.RUN_KINDS`."""

from __future__ import annotations

from apps.core.db.locks import locked_keys
from apps.estimation.models import EstimationRun, SamplingRun, Shard
from apps.estimation.sampling.services import SAMPLING_LOCK, run_sampling_slice
from apps.estimation.worker.run import run_estimation_slice
from apps.runs.schedule import WaitingRun, waiting_sharded_runs
from apps.runs.status import LIVE


class EstimationRuns:
    task = EstimationRun.task

    def waiting(self) -> list[WaitingRun]:
        return waiting_sharded_runs(EstimationRun, Shard.objects.all())

    def serve(self, run_id: int) -> None:
        run_estimation_slice(run_id=run_id)


class SamplingRuns:
    task = SamplingRun.task

    def waiting(self) -> list[WaitingRun]:
        """Live sampling runs without a worker: each has one at a time."""
        runs = list(SamplingRun.objects.filter(status__in=LIVE).order_by("pk").values_list("pk", "project_id"))
        busy = locked_keys(SAMPLING_LOCK) if runs else set()
        return [WaitingRun(pk, project, 0, self.task) for pk, project in runs if pk not in busy]

    def serve(self, run_id: int) -> None:
        run_sampling_slice(run_id=run_id)


ESTIMATION_RUNS = EstimationRuns()
SAMPLING_RUNS = SamplingRuns()
