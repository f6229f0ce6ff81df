"""Noting that something was said of a solution. What follows from it is a worker's business, seconds later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from apps.corpus.imports.extensions import StoredRecord
from apps.corpus.models import ImportBatch, Problem
from apps.corpus.records import Record
from apps.estimation.models import EstimationRun
from apps.labeling.models import Assignment
from apps.quality.models import Stale

_NOTE = "INSERT INTO quality_stale (solution_id, project_id) VALUES (%s, %s)"

_NOTE_RUN = """
INSERT INTO quality_stale (solution_id, project_id)
SELECT e.solution_id, %s FROM estimation_solutionestimate e WHERE e.run_id = %s
"""


def note_submission(*, assignment: Assignment, now: datetime) -> None:
    """A sink of submissions and corrections: one statement as a rule, for every labeler waits for it."""
    spoken_of = solutions_of(assignment)
    if spoken_of:
        with connection.cursor() as cursor:
            cursor.executemany(_NOTE, [(pk, assignment.round.project_id) for pk in spoken_of])


def solutions_of(assignment: Assignment) -> list[int]:
    """What an assignment speaks of: the task's solution, and the one that grew out of its dialogue."""
    return [pk for pk in (assignment.task.solution_id, assignment.grown_id) if pk is not None]


def note_run(run: EstimationRun) -> int:
    """All solutions that an estimation run spoke of; gives their number."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_RUN, [run.project_id, run.pk])
        return int(cursor.rowcount)


def note_problem(problem: Problem) -> None:
    """A sink of mending and retiring: disputes rest on the answer, and labels of a retired problem do not count."""
    Stale.objects.mark(problem.project_id, list(problem.solutions.order_by("pk").values_list("pk", flat=True)))


class InvalidationImporter:
    """A sink of imports: rows that bring labels, gold, estimates or verdicts."""

    tables = (Stale,)

    def takes(self, record: Record) -> bool:
        return bool(record.people or record.gold or record.estimates or record.judges)

    def store_records(self, batch: ImportBatch, landed: Sequence[StoredRecord]) -> int:
        Stale.objects.mark(batch.project_id, [one.solution_id for one in landed])
        return 0
