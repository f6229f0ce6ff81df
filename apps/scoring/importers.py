"""The importer of reward models' scores."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.db.copy import copy_rows
from apps.core.jobs.model import JobStatus
from apps.corpus.imports.extensions import StoredRecord, additions
from apps.corpus.models import ImportBatch
from apps.corpus.records import Record, ScoreRecord
from apps.runs.lifecycle import next_number
from apps.scoring.models import ScoringRun, StepScore

RunKey = tuple[str, int | None]  # Scorer and number of the run in the file.
ScoreKey = tuple[int, int]  # Ids of the run and of the step.
Scores = dict[int, float]  # By the id of the step.


class ScoreImporter:
    """Stores the scores of a run on a solution all together or not at all. The first that are stored stay.

    They are the steps' scores alone: a solution's `verifier_score` is the file's own.
    """

    tables = (StepScore,)

    def takes(self, record: Record) -> bool:
        return any(score.steps for score in record.scores)

    def store_records(self, batch: ImportBatch, records: Sequence[StoredRecord]) -> int:
        runs: dict[RunKey, ScoringRun] = {}
        submitted: list[tuple[StoredRecord, dict[ScoreKey, float]]] = []
        exported = _exported_scores(batch, records)
        for stored in records:
            for record in stored.record.scores:
                scores = _scores(stored, record)
                if scores and scores.items() <= exported.get(record.key, {}).items():
                    continue
                if scores:
                    run = _run_of(batch, record, runs)
                    submitted.append((stored, {(run.pk, step_id): score for step_id, score in scores.items()}))
        new = additions(submitted, _existing_scores(submitted), "scores[]")
        return copy_rows(StepScore, ["run", "step", "score"], ((*key, score) for key, score in new.items()))


def _scores(stored: StoredRecord, record: ScoreRecord) -> Scores:
    return {stored.path_step_id(step.position): step.score for step in record.steps}


def _existing_scores(submitted: Sequence[tuple[StoredRecord, dict[ScoreKey, float]]]) -> dict[ScoreKey, float]:
    # Steps of new solutions have no scores yet.
    keys = {key for stored, scores in submitted if not stored.is_new for key in scores}
    rows = StepScore.objects.filter(run_id__in={run for run, _ in keys}, step_id__in={step for _, step in keys})
    return {(run_id, step_id): score for run_id, step_id, score in rows.values_list("run_id", "step_id", "score")}


def _exported_scores(batch: ImportBatch, records: Sequence[StoredRecord]) -> dict[RunKey, Scores]:
    """Scores of the project's own runs that the file names by their numbers, as our exports do: they add nothing."""
    keys = {record.key for stored in records for record in stored.record.scores}
    numbers = {number for _, number in keys if number is not None}
    candidates = ScoringRun.objects.filter(
        project=batch.project, origin="", number__in=numbers, created_at__lt=batch.created_at
    ).values_list("pk", "model", "number")
    runs: dict[int, RunKey] = {pk: (model, number) for pk, model, number in candidates if (model, number) in keys}
    if not runs:
        return {}
    step_ids = {pk for stored in records for record in stored.record.scores for pk in _scores(stored, record)}
    scores_of: dict[RunKey, Scores] = {}
    rows = StepScore.objects.filter(run__in=runs, step__in=step_ids)
    for run_id, step_id, score in rows.values_list("run_id", "step_id", "score"):
        scores_of.setdefault(runs[run_id], {})[step_id] = score
    return scores_of


def _run_of(batch: ImportBatch, record: ScoreRecord, runs: dict[RunKey, ScoringRun]) -> ScoringRun:
    """The stored run of a run in the file, created where it is new. Files of one format share their runs."""
    if record.key not in runs:
        identity = {
            "project": batch.project,
            "origin": batch.format,
            "model": record.scorer,
            "run_in_file": record.run,
        }
        runs[record.key] = ScoringRun.objects.filter(**identity).first() or ScoringRun.objects.create(
            **identity, number=next_number(ScoringRun, batch.project), status=JobStatus.FINISHED
        )
    return runs[record.key]
