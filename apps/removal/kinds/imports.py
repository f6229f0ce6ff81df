"""Imports: with the problems, solutions, comparisons and labels that they brought."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, QuerySet

from apps.core.db.locks import try_advisory_lock
from apps.core.errors import Conflict
from apps.corpus.models import Comparison, ImportBatch, Problem, Solution
from apps.corpus.models.imports import IMPORT_LOCK
from apps.estimation.models import EstimationRun
from apps.judging.models import ComparisonVerdict, JudgeRun
from apps.labeling.models import Assignment, Round, RoundProgress, Task
from apps.projects.models import Project
from apps.quality.consensus.invalidation import mark_figures_stale, solution_ids_of
from apps.quality.models import StaleSolution
from apps.removal.kinds.base import Kind, Loss, Progress, clause, counted
from apps.removal.kinds.solutions import (
    ESTIMATES,
    SCORES,
    VERDICTS,
    foreign_problems,
    holds_on,
    labels_from_files,
    live_runs,
)
from apps.scoring.models import ScoringRun

BATCH = 200  # Solutions or problems in one transaction.
RESULTS: dict[type[Any], tuple[type[Any], ...]] = {
    EstimationRun: ESTIMATES,
    ScoringRun: SCORES,
    JudgeRun: (*VERDICTS, ComparisonVerdict),
}


class ImportKind(Kind[ImportBatch]):
    name, title, needs, model = "import", "import", "import", ImportBatch
    in_background = is_archivable = True
    note = (
        "Values that it filled in on problems of other imports stay, and so do gold, estimates, verdicts and scores that it "
        "brought for their solutions. The file is removed as well."
    )

    def title_of(self, row: ImportBatch) -> str:
        return row.filename

    def parts(self, row: ImportBatch) -> list[Loss]:
        return counted(
            (_problems(row).count(), "problems"),
            (_solutions(row).count(), "solutions"),
            (_comparisons(row).count(), "comparisons"),
            (Assignment.objects.filter(batch=row).count(), "submissions of its file"),
            *labels_from_files(_solutions(row)),
            (row.findings.count(), "findings"),
        )

    def holds(self, row: ImportBatch) -> list[str]:
        if not row.has_ended:
            return ["it is under way: cancel it first"]
        foreign = foreign_problems(_problems(row), _solutions(row)).count()
        return [
            *live_runs(row.project),
            *holds_on(_solutions(row), batch=row.pk, comparisons=_comparisons(row)),
            *clause(foreign, "problem with solutions from elsewhere", "problems with solutions from elsewhere"),
        ]

    def archive_holds(self, row: ImportBatch) -> list[str]:
        return [] if row.has_ended else ["it is under way"]

    def remove_in_batches(self, row: ImportBatch) -> Iterator[Progress]:
        """Raises Conflict if a worker still stores rows: one that was cancelled stores its last chunk."""
        with try_advisory_lock(IMPORT_LOCK, row.pk) as claimed:
            row.refresh_from_db()
            if not claimed or not row.has_ended:
                raise Conflict("A worker still stores rows of the import. Delete it again once that has ended.")
            yield from self._remove_in_batches(row)

    def _remove_in_batches(self, row: ImportBatch) -> Iterator[Progress]:
        """Labels and comparisons first: those on solutions of other imports do not go with a solution."""
        brought = (_problems(row), _comparisons(row), _solutions(row), Assignment.objects.filter(batch=row))
        total, done = sum(rows.count() for rows in brought), 0
        for step in (_remove_assignments, _remove_comparisons, _remove_solutions, _remove_problems):
            while count := step(row):
                done += count
                yield Progress(done, total)
        with transaction.atomic():
            remove_empty(row.project)
            mark_figures_stale(row.project_id)
            row.file.storage.delete(str(row.file.name))
            row.delete()


def _solutions(batch: ImportBatch) -> QuerySet[Solution]:
    return Solution.objects.filter(batch=batch)


def _comparisons(batch: ImportBatch) -> QuerySet[Comparison]:
    return Comparison.objects.filter(batch=batch)


def _problems(batch: ImportBatch) -> QuerySet[Problem]:
    return Problem.objects.filter(batch=batch)


@transaction.atomic
def _remove_assignments(batch: ImportBatch) -> int:
    """Of tasks that nobody else labeled, the tasks as well."""
    assignments = list(Assignment.objects.filter(batch=batch).select_related("task").order_by("pk")[: 5 * BATCH])
    solution_ids = sorted({pk for assignment in assignments for pk in solution_ids_of(assignment)})
    Assignment.objects.filter(pk__in=[assignment.pk for assignment in assignments]).delete()
    tasks = Task.objects.filter(pk__in={assignment.task_id for assignment in assignments}).exclude(round__origin="")
    tasks.filter(~Exists(Assignment.objects.filter(task=OuterRef("pk")))).delete()
    StaleSolution.objects.mark(batch.project_id, solution_ids)
    return len(assignments)


@transaction.atomic
def _remove_comparisons(batch: ImportBatch) -> int:
    """Raises Conflict if somebody has used one of the next comparisons since the deletion began."""
    ids = list(_comparisons(batch).order_by("pk")[:BATCH].select_for_update(of=("self",)).values_list("pk", flat=True))
    comparisons = Comparison.objects.filter(pk__in=ids)
    if held := holds_on(Solution.objects.none(), batch=batch.pk, comparisons=comparisons):
        raise Conflict(f"Comparisons of the import have been used since: {', '.join(held)}. The rest of them stays.")
    comparisons.delete()
    return len(ids)


@transaction.atomic
def _remove_solutions(batch: ImportBatch) -> int:
    """Raises Conflict if somebody has used one of the next solutions since the deletion began."""
    chosen = _solutions(batch).order_by("pk")[:BATCH]
    ids = list(chosen.select_for_update(of=("self",)).values_list("pk", flat=True))
    solutions = Solution.objects.filter(pk__in=ids)
    if held := holds_on(solutions, batch=batch.pk):
        raise Conflict(f"Solutions of the import have been used since: {', '.join(held)}. The rest of them stays.")
    solutions.delete()
    return len(ids)


@transaction.atomic
def _remove_problems(batch: ImportBatch) -> int:
    chosen = _problems(batch).order_by("pk")[:BATCH]
    ids = list(chosen.select_for_update(of=("self",)).values_list("pk", flat=True))
    problems = Problem.objects.filter(pk__in=ids)
    if foreign_problems(problems, Solution.objects.none()).exists():
        raise Conflict("Problems of the import have got solutions since. The rest of them stays.")
    problems.delete()
    return len(ids)


def remove_empty(project: Project) -> None:
    """Remove rounds and runs of files that have nothing left, and count the others again."""
    rounds = Round.objects.filter(project=project).exclude(origin="")
    rounds.filter(~Exists(Task.objects.filter(round=OuterRef("pk")))).delete()
    for round_ in rounds:
        left = Task.objects.filter(round=round_).count()
        Round.objects.filter(pk=round_.pk).update(task_count=left, slot_count=left)
        submitted = Assignment.objects.submitted().filter(round=round_).order_by().values_list("labeler")
        counts = dict(submitted.annotate(count=Count("pk")))
        for progress in RoundProgress.objects.filter(round=round_):
            RoundProgress.objects.filter(pk=progress.pk).update(submitted=counts.get(progress.labeler_id, 0))
    for kind, results in RESULTS.items():
        runs = kind.objects.filter(project=project).exclude(origin="")
        for result in results:
            runs = runs.exclude(Exists(result.objects.filter(run=OuterRef("pk"))))
        runs.delete()
