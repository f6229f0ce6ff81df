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
Verdicts = dict[int, Verdict]  # By the id of the step.
RecordVerdicts = tuple[StoredRecord, dict[VerdictKey, Verdict]]


class VerdictImporter:
    """Stores the verdicts of a run on a solution all together or not at all. The first that are stored stay.

    Verdicts of a run of ours, in a file that we exported, are here already.
    """

    tables = (StepVerdict,)

    def takes(self, record: Record) -> bool:
        return any(judge.steps for judge in record.judges)

    def store_records(self, batch: ImportBatch, records: Sequence[StoredRecord]) -> int:
        verdicts: list[RecordVerdicts] = []
        runs: dict[RunKey, JudgeRun] = {}
        exported = _exported_verdicts(batch, records)
        for stored in records:
            for judge in stored.record.judges:
                by_step = _verdicts(stored, judge)
                if not by_step or by_step.items() <= exported.get(judge.key, {}).items():
                    continue
                run = _run_of(batch, judge, runs)
                verdicts.append((stored, {(run.pk, step_id): verdict for step_id, verdict in by_step.items()}))
        new = additions(verdicts, _existing_verdicts(verdicts), "judges[]")
        return copy_rows(StepVerdict, FIELDS, ((*key, *verdict) for key, verdict in new.items()))


def _verdicts(stored: StoredRecord, judge: JudgeRecord) -> Verdicts:
    return {
        stored.step_id(step.position, step.candidate): (step.rating, step.confidence, step.reason)
        for step in judge.steps
    }


def _exported_verdicts(batch: ImportBatch, records: Sequence[StoredRecord]) -> dict[RunKey, Verdicts]:
    """Verdicts of the project's own runs that the file names by their numbers, as our exports do: they add nothing."""
    keys = {judge.key for stored in records for judge in stored.record.judges}
    numbers = {number for *_, number in keys if number is not None}
    candidates = JudgeRun.objects.filter(
        project=batch.project, origin="", number__in=numbers, created_at__lt=batch.created_at
    ).values_list("pk", "judge__name", "judge__version", "number")
    runs: dict[int, RunKey] = {pk: key for pk, *names in candidates if (key := tuple(names)) in keys}
    if not runs:
        return {}
    step_ids = {pk for stored in records for judge in stored.record.judges for pk in _verdicts(stored, judge)}
    verdicts_of: dict[RunKey, Verdicts] = {}
    rows = StepVerdict.objects.filter(run__in=runs, step__in=step_ids).values_list(*FIELDS)
    for run_id, step_id, *verdict in rows:
        verdicts_of.setdefault(runs[run_id], {})[step_id] = tuple(verdict)
    return verdicts_of


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
