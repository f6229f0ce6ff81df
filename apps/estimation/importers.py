"""Import of Monte Carlo labels."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.db.copy import copy_rows
from apps.core.jobs.model import JobStatus
from apps.corpus.imports.extensions import StoredRecord, additions
from apps.corpus.models import ImportBatch
from apps.corpus.records import EstimateRecord, Record
from apps.estimation.models import EstimationRun, StepEstimate
from apps.estimation.runs.services import next_number

RunKey = tuple[int | None, str, str]  # Number, strategy and completer.
RunStep = tuple[int, int]  # IDs of a run and a step.
StepCounts = tuple[int | None, int | None, int, bool | None]
COUNTS = ("rollouts", "successes", "missing", "hard")


class EstimateImporter:
    tables = (StepEstimate,)

    def takes(self, record: Record) -> bool:
        return bool(record.estimates)

    def store_records(self, batch: ImportBatch, stored: Sequence[StoredRecord]) -> int:
        runs: dict[RunKey, EstimationRun] = {}
        submitted: list[tuple[StoredRecord, dict[RunStep, StepCounts]]] = []
        exported = _exported_counts(batch, stored)
        for row in stored:
            for estimate in row.record.estimates:
                counts = _counts(row, estimate)
                if counts and counts.items() <= exported.get(_key(estimate), {}).items():
                    continue
                run = _run(batch, estimate, runs)
                submitted.append((row, {(run.pk, step_id): of_step for step_id, of_step in counts.items()}))
        # New steps have no estimates yet.
        places = {place for row, counts in submitted if not row.is_new for place in counts}
        estimates = StepEstimate.objects.filter(
            run_id__in={run_id for run_id, _ in places}, step_id__in={step_id for _, step_id in places}
        )
        existing: dict[RunStep, StepCounts] = {
            (run_id, step_id): tuple(of_step)
            for run_id, step_id, *of_step in estimates.values_list("run_id", "step_id", *COUNTS)
        }
        new = additions(submitted, existing, "monte_carlo[]")
        fields = ["run", "step", *COUNTS, "basis", "tokens"]
        constants = (StepEstimate.Basis.FILE.value, 0)
        return copy_rows(StepEstimate, fields, ((*place, *counts, *constants) for place, counts in new.items()))


def _key(estimate: EstimateRecord) -> RunKey:
    return estimate.run, estimate.strategy, estimate.completer or ""


def _counts(row: StoredRecord, estimate: EstimateRecord) -> dict[int, StepCounts]:
    """The counts by step ID."""
    return {
        row.path_step_id(step.position): (step.rollouts, step.successes, step.missing, step.hard)
        for step in estimate.steps
    }


def _exported_counts(batch: ImportBatch, stored: Sequence[StoredRecord]) -> dict[RunKey, dict[int, StepCounts]]:
    """Counts of the project's own runs that the file names by their numbers, as our exports do.

    A file row adds nothing if the run with its number, completer and strategy has the same counts at all of its steps.
    Runs created by this import are left out: the file cannot be an export of them.
    """
    keys = {_key(estimate) for row in stored for estimate in row.record.estimates}
    numbers = {number for number, _, _ in keys if number is not None}
    candidates = EstimationRun.objects.filter(
        project=batch.project, number__in=numbers, created_at__lt=batch.created_at
    ).values_list("pk", "number", "strategy", "completer")
    runs = {pk: key for pk, *columns in candidates if (key := tuple(columns)) in keys}
    if not runs:
        return {}
    step_ids = {pk for row in stored for estimate in row.record.estimates for pk in _counts(row, estimate)}
    counts_of: dict[RunKey, dict[int, StepCounts]] = {}
    rows = StepEstimate.objects.filter(run__in=runs, step__in=step_ids)
    for run_id, step_id, *counts in rows.values_list("run_id", "step_id", *COUNTS):
        counts_of.setdefault(runs[run_id], {})[step_id] = tuple(counts)
    return counts_of


def _run(batch: ImportBatch, estimate: EstimateRecord, runs: dict[RunKey, EstimationRun]) -> EstimationRun:
    """The run that holds these imported labels; files of one format and completer share it."""
    key = _key(estimate)
    if key not in runs:
        origin = f"{batch.format}:{estimate.run}"[:30]
        runs[key] = EstimationRun.objects.filter(
            project=batch.project, origin=origin, strategy=key[1], completer=key[2]
        ).first() or EstimationRun.objects.create(
            project=batch.project,
            number=next_number(batch.project),
            strategy=estimate.strategy[:30],
            completer=key[2],
            origin=origin,
            status=JobStatus.FINISHED,
        )
    return runs[key]
