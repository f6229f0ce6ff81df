"""Monte Carlo labels that come with an imported file."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.db.copy import copy_rows
from apps.core.jobs import JobStatus
from apps.corpus.imports.extensions import StoredRecord, additions
from apps.corpus.models import ImportBatch
from apps.corpus.records import EstimateRecord, Record
from apps.estimation.models import EstimationRun, StepEstimate
from apps.estimation.runs.services import next_number

Key = tuple[int | None, str, str]
Place = tuple[int, int]  # Run and step.
Counts = tuple[int | None, int | None, int, bool | None]
COUNTS = ("rollouts", "successes", "missing", "hard")


class EstimateImporter:
    tables = (StepEstimate,)

    def takes(self, record: Record) -> bool:
        return bool(record.estimates)

    def store_records(self, batch: ImportBatch, landed: Sequence[StoredRecord]) -> int:
        runs: dict[Key, EstimationRun] = {}
        submitted: list[tuple[StoredRecord, dict[Place, Counts]]] = []
        ours = _ours(batch, landed)
        for one in landed:
            for estimate in one.record.estimates:
                told = _counts(one, estimate)
                if told and told.items() <= ours.get(_key(estimate), {}).items():
                    continue
                run = _run(batch, estimate, runs)
                submitted.append((one, {(run.pk, step_id): counts for step_id, counts in told.items()}))
        new = additions(submitted, _standing(submitted), "monte_carlo[]")
        fields = ["run", "step", *COUNTS, "how", "tokens"]
        rest = (StepEstimate.How.FILE.value, 0)
        return copy_rows(StepEstimate, fields, ((*place, *counts, *rest) for place, counts in new.items()))


def _standing(submitted: Sequence[tuple[StoredRecord, dict[Place, Counts]]]) -> dict[Place, Counts]:
    # Steps that land now have no estimates yet.
    older = {place for one, told in submitted if not one.is_new for place in told}
    rows = StepEstimate.objects.filter(
        run_id__in={run_id for run_id, _ in older}, step_id__in={step_id for _, step_id in older}
    )
    return {
        (run_id, step_id): tuple(counts) for run_id, step_id, *counts in rows.values_list("run_id", "step_id", *COUNTS)
    }


def _key(estimate: EstimateRecord) -> Key:
    return estimate.run, estimate.strategy, estimate.completer or ""


def _counts(one: StoredRecord, estimate: EstimateRecord) -> dict[int, Counts]:
    """By step."""
    return {
        one.path_step_id(said.position): (said.rollouts, said.successes, said.missing, said.hard)
        for said in estimate.steps
    }


def _ours(batch: ImportBatch, landed: Sequence[StoredRecord]) -> dict[Key, dict[int, Counts]]:
    """What the project's own numbers stand for: our export names runs by them, so it may come back to where it was made.

    Such a row says nothing new where the run of that number, completer and strategy counted just the same on all of its
    steps. A run that came with this very import is none that its file can have been made of.
    """
    keys = {_key(estimate) for one in landed for estimate in one.record.estimates}
    numbers = {number for number, _, _ in keys if number is not None}
    named = EstimationRun.objects.filter(
        project=batch.project, number__in=numbers, created_at__lt=batch.created_at
    ).values_list("pk", "number", "strategy", "completer")
    runs = {pk: key for pk, *named_by in named if (key := tuple(named_by)) in keys}
    if not runs:
        return {}
    step_ids = {pk for one in landed for estimate in one.record.estimates for pk in _counts(one, estimate)}
    found: dict[Key, dict[int, Counts]] = {}
    standing = StepEstimate.objects.filter(run__in=runs, step__in=step_ids)
    for run_id, step_id, *counts in standing.values_list("run_id", "step_id", *COUNTS):
        found.setdefault(runs[run_id], {})[step_id] = tuple(counts)
    return found


def _run(batch: ImportBatch, estimate: EstimateRecord, runs: dict[Key, EstimationRun]) -> EstimationRun:
    """The run that stands for the file's own; files of one format and completer share it."""
    key = _key(estimate)
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
