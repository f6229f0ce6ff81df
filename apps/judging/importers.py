"""Verdicts that come with an imported file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.db.models import Max

from apps.core.db.copy import copy_rows
from apps.core.db.locks import advisory_xact_lock
from apps.corpus.imports.extensions import StoredRecord, additions
from apps.corpus.models import ImportBatch
from apps.corpus.records import JudgeRecord, Record
from apps.judging.models import Judge, JudgeRun, StepVerdict
from apps.projects.models import Project

FIELDS = ["run", "step", "rating", "confidence", "reason"]

Key = tuple[str, int, int | None]
Place = tuple[int, int]  # Run and step.
Word = tuple[int, float | None, str]
Spoken = tuple[StoredRecord, dict[Place, Word]]


class VerdictImporter:
    """What a run says of a solution lands whole or not at all, and the first that is said stands."""

    tables = (StepVerdict,)

    def takes(self, record: Record) -> bool:
        return any(judge.steps for judge in record.judges)

    def store_records(self, batch: ImportBatch, landed: Sequence[StoredRecord]) -> int:
        submitted = list(_spoken(batch, landed))
        new = additions(submitted, _standing(submitted), "judges[]")
        return copy_rows(StepVerdict, FIELDS, ((*place, *word) for place, word in new.items()))


def _spoken(batch: ImportBatch, landed: Sequence[StoredRecord]) -> Iterator[Spoken]:
    """What each row says by each of its judges' runs."""
    runs: dict[Key, JudgeRun] = {}
    for one in landed:
        for judge in one.record.judges:
            if judge.steps:
                run = _run(batch, judge, runs)
                yield (
                    one,
                    {
                        (run.pk, one.step_id(said.position, said.candidate)): (
                            said.rating,
                            said.confidence,
                            said.reason,
                        )
                        for said in judge.steps
                    },
                )


def _standing(submitted: Sequence[Spoken]) -> dict[Place, Word]:
    # Steps that land now have no verdicts yet.
    older = {place for one, told in submitted if not one.is_new for place in told}
    rows = StepVerdict.objects.filter(
        run_id__in={run_id for run_id, _ in older}, step_id__in={step_id for _, step_id in older}
    )
    return {
        (run_id, step_id): (rating, confidence, reason)
        for run_id, step_id, rating, confidence, reason in rows.values_list(*FIELDS)
    }


def _run(batch: ImportBatch, judge: JudgeRecord, runs: dict[Key, JudgeRun]) -> JudgeRun:
    """The run that stands for the file's own; files of one format share it."""
    key = (judge.judge, judge.version, judge.run)
    if key not in runs:
        by, _ = Judge.objects.get_or_create(project=batch.project, name=judge.judge, version=judge.version)
        same = JudgeRun.objects.filter(judge=by, origin=batch.format, run_in_file=judge.run)
        runs[key] = same.first() or JudgeRun.objects.create(
            project=batch.project,
            number=next_number(batch.project),
            judge=by,
            origin=batch.format,
            run_in_file=judge.run,
            batch=batch,
        )
    return runs[key]


def next_number(project: Project) -> int:
    """Within a transaction: nobody else gets the same."""
    advisory_xact_lock("judge run", project.pk)
    return (JudgeRun.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0) + 1
