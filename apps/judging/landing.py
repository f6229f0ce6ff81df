"""Verdicts that come with an imported file."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Max

from apps.core.bulk import copy_rows, lock_project
from apps.corpus.models import ImportBatch
from apps.corpus.records import JudgeRecord, Record, VerdictRecord
from apps.corpus.sinks import Landed
from apps.judging.models import Judge, JudgeRun, StepVerdict
from apps.projects.models import Project

FIELDS = ["run", "step", "rating", "confidence", "reason"]

Key = tuple[str, int, int | None]


class VerdictSink:
    tables = (StepVerdict,)

    def takes(self, record: Record) -> bool:
        return any(judge.steps for judge in record.judges)

    def land(self, batch: ImportBatch, landed: Sequence[Landed]) -> int:
        wanted = _wanted(batch, landed)
        # Steps that land now have no verdicts yet.
        older = {step_id for (_, step_id), (one, _) in wanted.items() if not one.is_new}
        standing = set(StepVerdict.objects.filter(step_id__in=older).values_list("run_id", "step_id"))
        new = {key: found for key, found in wanted.items() if key not in standing}
        for one, _ in new.values():
            one.added = True
        rows = ((*key, said.rating, said.confidence, said.reason) for key, (_, said) in new.items())
        return copy_rows(StepVerdict, FIELDS, rows)


def _wanted(batch: ImportBatch, landed: Sequence[Landed]) -> dict[tuple[int, int], tuple[Landed, VerdictRecord]]:
    """By run and step. The first row that says anything of a step stands."""
    runs: dict[Key, JudgeRun] = {}
    wanted: dict[tuple[int, int], tuple[Landed, VerdictRecord]] = {}
    for one in landed:
        for judge in one.record.judges:
            for said in judge.steps:
                run = _run(batch, judge, runs)
                wanted.setdefault((run.pk, one.step_id(said.position, said.candidate)), (one, said))
    return wanted


def _run(batch: ImportBatch, judge: JudgeRecord, runs: dict[Key, JudgeRun]) -> JudgeRun:
    """The run that stands for the file's own; files of one format share it."""
    key = (judge.judge, judge.version, judge.run)
    if key not in runs:
        by, _ = Judge.objects.get_or_create(project=batch.project, name=judge.judge, version=judge.version)
        same = JudgeRun.objects.filter(judge=by, origin=batch.format, run_in_file=judge.run)
        runs[key] = same.first() or JudgeRun.objects.create(
            project=batch.project, number=next_number(batch.project), judge=by, origin=batch.format,
            run_in_file=judge.run, batch=batch,
        )  # fmt: skip
    return runs[key]


def next_number(project: Project) -> int:
    """Within a transaction: nobody else gets the same."""
    lock_project(project.pk, "judge run")
    return (JudgeRun.objects.filter(project=project).aggregate(last=Max("number"))["last"] or 0) + 1
