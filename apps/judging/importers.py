"""The importer of judges' verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from apps.core.db.copy import copy_rows
from apps.core.jobs.model import JobStatus
from apps.corpus.imports.extensions import StoredRecord, additions
from apps.corpus.models import ImportBatch
from apps.corpus.records import JudgeRecord, Record
from apps.judging.models import Judge, JudgeRun, StepVerdict
from apps.runs.lifecycle import next_number

FIELDS = ["run", "step", "rating", "confidence", "reason"]

RunKey = tuple[str, int, int | None]
VerdictKey = tuple[int, int]  # Ids of the run and of the step.
Verdict = tuple[int, float | None, str]  # Rating, confidence and reason.
RecordVerdicts = tuple[StoredRecord, dict[VerdictKey, Verdict]]


class VerdictImporter:
    """Stores the verdicts of a run on a solution all together or not at all. The first that are stored stay."""

    tables = (StepVerdict,)

    def takes(self, record: Record) -> bool:
        return any(judge.steps for judge in record.judges)

    def store_records(self, batch: ImportBatch, records: Sequence[StoredRecord]) -> int:
        verdicts: list[RecordVerdicts] = []
        runs: dict[RunKey, JudgeRun] = {}
        for stored in records:
            for judge in stored.record.judges:
                by_key: dict[VerdictKey, Verdict] = {}
                for step in judge.steps:
                    step_id = stored.step_id(step.position, step.candidate)
                    by_key[_run_of(batch, judge, runs).pk, step_id] = (step.rating, step.confidence, step.reason)
                if by_key:
                    verdicts.append((stored, by_key))
        new = additions(verdicts, _existing_verdicts(verdicts), "judges[]")
        return copy_rows(StepVerdict, FIELDS, ((*key, *verdict) for key, verdict in new.items()))


def _existing_verdicts(verdicts: Sequence[RecordVerdicts]) -> dict[VerdictKey, Verdict]:
    # Steps of new solutions have no verdicts yet.
    keys = {key for stored, by_key in verdicts if not stored.is_new for key in by_key}
    rows = StepVerdict.objects.filter(
        run_id__in={run_id for run_id, _ in keys}, step_id__in={step_id for _, step_id in keys}
    )
    return {
        (run_id, step_id): (rating, confidence, reason)
        for run_id, step_id, rating, confidence, reason in rows.values_list(*FIELDS)
    }


def _run_of(batch: ImportBatch, judge: JudgeRecord, runs: dict[RunKey, JudgeRun]) -> JudgeRun:
    """The stored run of a run in the file, created where it is new. Files of one format share their runs."""
    key = (judge.judge, judge.version, judge.run)
    if key not in runs:
        judge_row, _ = Judge.objects.get_or_create(project=batch.project, name=judge.judge, version=judge.version)
        existing = JudgeRun.objects.filter(judge=judge_row, origin=batch.format, run_in_file=judge.run)
        runs[key] = existing.first() or JudgeRun.objects.create(
            project=batch.project,
            number=next_number(JudgeRun, batch.project),
            judge=judge_row,
            origin=batch.format,
            run_in_file=judge.run,
            batch=batch,
            status=JobStatus.FINISHED,
        )
    return runs[key]
