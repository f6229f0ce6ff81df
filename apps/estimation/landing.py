"""Monte Carlo labels that come with an imported file."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.bulk import copy_rows
from apps.core.jobs import JobStatus
from apps.corpus.models import ImportBatch
from apps.corpus.records import EstimateRecord, Record
from apps.corpus.sinks import Landed
from apps.estimation.models import EstimationRun, StepEstimate
from apps.estimation.services import next_number

Key = tuple[int | None, str, str]


class EstimateSink:
    tables = (StepEstimate,)

    def takes(self, record: Record) -> bool:
        return bool(record.estimates)

    def land(self, batch: ImportBatch, landed: Sequence[Landed]) -> int:
        runs: dict[Key, EstimationRun] = {}
        wanted: dict[tuple[int, int], tuple[Landed, tuple[object, ...]]] = {}
        for one in landed:
            for estimate in one.record.estimates:
                run = _run(batch, estimate, runs)
                for said in estimate.steps:
                    step_id = one.path_step_id(said.position)
                    counts = (said.rollouts, said.successes, said.missing, said.hard)
                    wanted[run.pk, step_id] = (one, counts)
        step_ids = {step_id for _, step_id in wanted}
        standing = set(StepEstimate.objects.filter(step_id__in=step_ids).values_list("run_id", "step_id"))
        new = {key: found for key, found in wanted.items() if key not in standing}
        for one, _ in new.values():
            one.added = True
        fields = ["run", "step", "rollouts", "successes", "missing", "hard", "how", "tokens"]
        rest = (StepEstimate.How.FILE.value, 0)
        return copy_rows(StepEstimate, fields, ((*key, *counts, *rest) for key, (_, counts) in new.items()))


def _run(batch: ImportBatch, estimate: EstimateRecord, runs: dict[Key, EstimationRun]) -> EstimationRun:
    """The run that stands for the file's own; files of one format and completer share it."""
    key = (estimate.run, estimate.strategy, estimate.completer or "")
    if key not in runs:
        runs[key] = EstimationRun.objects.filter(
            project=batch.project, origin=f"{batch.format}:{estimate.run}"[:30], strategy=key[1], completer=key[2]
        ).first() or EstimationRun.objects.create(
            project=batch.project,
            number=next_number(batch.project),
            strategy=estimate.strategy[:30],
            completer=key[2],
            origin=f"{batch.format}:{estimate.run}"[:30],
            status=JobStatus.FINISHED,
        )
    return runs[key]
