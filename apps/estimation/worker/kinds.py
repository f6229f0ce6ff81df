"""The kinds of runs of this app, for the schedule, and the work of a worker that is free."""

from __future__ import annotations

from apps.estimation.models import EstimationRun, Shard
from apps.estimation.sampling.services import run_sampling_slice
from apps.estimation.worker.run import run_estimation_slice
from apps.estimation.worker.schedule import (
    SAMPLING_TASK,
    WaitingRun,
    call_workers_for_waiting_runs,
    next_run,
    run_kinds,
    waiting_sampling_runs,
    waiting_solution_runs,
)


class EstimationRuns:
    task = EstimationRun.task

    def waiting(self) -> list[WaitingRun]:
        return waiting_solution_runs(EstimationRun, Shard.objects.all())

    def serve(self, run_id: int) -> None:
        run_estimation_slice(run_id=run_id)


class SamplingRuns:
    task = SAMPLING_TASK

    def waiting(self) -> list[WaitingRun]:
        return waiting_sampling_runs()

    def serve(self, run_id: int) -> None:
        run_sampling_slice(run_id=run_id)


ESTIMATION_RUNS = EstimationRuns()
SAMPLING_RUNS = SamplingRuns()


def serve_next_run() -> None:
    """A wake-up message of any run makes this worker serve the run whose turn it is."""
    run = next_run()
    if run is None:
        return
    call_workers_for_waiting_runs()
    next(kind for kind in run_kinds() if kind.task == run.task).serve(run.pk)
    call_workers_for_waiting_runs()
