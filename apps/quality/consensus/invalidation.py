"""Marking solutions as stale when labels, gold, estimates, verdicts, scores or answers change; workers compute them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from apps.corpus.imports.extensions import StoredRecord
from apps.corpus.models import ImportBatch, Problem, Solution
from apps.corpus.records import Record
from apps.estimation.models import EstimationRun
from apps.judging.models import JudgeRun
from apps.labeling.models import Assignment, Round
from apps.quality.models import QualityRules, StaleSolution

_MARK = "INSERT INTO quality_stalesolution (solution_id, project_id) VALUES (%s, %s)"

_MARK_RUN = """
INSERT INTO quality_stalesolution (solution_id, project_id)
SELECT estimate.solution_id, %s FROM estimation_solutionestimate estimate WHERE estimate.run_id = %s
"""


_MARK_JUDGE_RUN = """
INSERT INTO quality_stalesolution (solution_id, project_id)
SELECT verdict.solution_id, %s FROM judging_solutionverdict verdict WHERE verdict.run_id = %s
"""


def mark_submission_stale(*, assignment: Assignment, now: datetime) -> None:
    """A hook of submissions and corrections. It is one statement as a rule, as every labeler waits for it."""
    solution_ids = solution_ids_of(assignment)
    if solution_ids:
        with connection.cursor() as cursor:
            cursor.executemany(_MARK, [(pk, assignment.round.project_id) for pk in solution_ids])


def solution_ids_of(assignment: Assignment) -> list[int]:
    """The solutions that an assignment labels: the task's, and the one that was derived from it by branching."""
    return [pk for pk in (assignment.task.solution_id, assignment.derived_solution_id) if pk is not None]


def mark_run_stale(run: EstimationRun) -> int:
    """Mark all solutions that an estimation run has results for; returns their number."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK_RUN, [run.project_id, run.pk])
        return int(cursor.rowcount)


def mark_judge_run_stale(run: JudgeRun) -> int:
    """Mark all solutions that a judge run of ours judged; returns their number."""
    with connection.cursor() as cursor:
        cursor.execute(_MARK_JUDGE_RUN, [run.project_id, run.pk])
        return int(cursor.rowcount)


def mark_round_stale(round_: Round) -> int:
    """A hook of raised redundancy: what was settled by fewer people no longer is. Returns the number of solutions."""
    submitted = Assignment.objects.submitted().filter(round=round_).order_by()
    on_tasks = submitted.filter(task__solution__isnull=False).values_list("task__solution_id", flat=True)
    derived = submitted.filter(derived_solution__isnull=False).values_list("derived_solution_id", flat=True)
    solution_ids = sorted({*on_tasks, *derived})
    StaleSolution.objects.mark(round_.project_id, solution_ids)
    return len(solution_ids)


def mark_problem_stale(problem: Problem) -> None:
    """A hook of edits and retirements: disputes depend on the answer, and labels of a retired problem do not count."""
    StaleSolution.objects.mark(problem.project_id, list(problem.solutions.order_by("pk").values_list("pk", flat=True)))


def mark_scored_stale(*, project_id: int, solution_ids: Sequence[int]) -> None:
    """A hook of stored scores: a wrong answer with a high one is convincing."""
    wrong = Solution.objects.wrong().filter(pk__in=solution_ids).order_by("pk")
    StaleSolution.objects.mark(project_id, list(wrong.values_list("pk", flat=True)))


def mark_figures_stale(project_id: int) -> None:
    """A hook of deletions: what is gone leaves no solution to be marked, but the figures rest on it."""
    QualityRules.objects.update_or_create(project_id=project_id, defaults={"figures_are_stale": True})


class InvalidationImporter:
    """Marks the solutions of imported rows with labels, gold, estimates, verdicts or a score."""

    tables = (StaleSolution,)

    def takes(self, record: Record) -> bool:
        has_score = record.solution is not None and record.solution.verifier_score is not None
        return has_score or bool(record.people or record.gold or record.estimates or record.judges)

    def store_records(self, batch: ImportBatch, records: Sequence[StoredRecord]) -> int:
        StaleSolution.objects.mark(batch.project_id, [stored.solution_id for stored in records])
        return 0
