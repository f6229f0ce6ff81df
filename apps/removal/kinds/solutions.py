"""Solutions and problems: they go where nobody has used them.

A solution of a blind sample, or of the pool of a cascade, is never deleted: a judge's certificate counts every solution that
was drawn, and one that could be taken out afterwards would make it worthless.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.corpus.models import RESPLIT_INTO, Comparison, Problem, Solution
from apps.estimation.models import EstimationRun, SampledProblem, SamplingRun, SolutionEstimate, StepEstimate
from apps.judging.models import (
    ComparisonVerdict,
    JudgeReply,
    JudgeRun,
    Revision,
    RunComparison,
    SolutionVerdict,
    StepVerdict,
)
from apps.labeling.models import Assignment, GoldLabel, Task
from apps.projects.models import Project
from apps.quality.consensus.invalidation import mark_figures_stale
from apps.quality.models import BlindPool, CascadeLabel, Consensus, SampledSolution
from apps.quality.models.consensus import ConsensusMethod
from apps.removal.kinds.base import Kind, Loss, clause, counted
from apps.runs.status import LIVE
from apps.scoring.models import ScoringRun, SolutionScore, StepScore

RUNS = (EstimationRun, SamplingRun, ScoringRun, JudgeRun)
# The results of runs on steps and on solutions. Files bring the former alone, and a run that was cancelled may have no others.
ESTIMATES, VERDICTS, SCORES = (
    (StepEstimate, SolutionEstimate),
    (StepVerdict, SolutionVerdict),
    (StepScore, SolutionScore),
)


def holds_on(
    solutions: QuerySet[Solution], *, batch: int | None = None, comparisons: QuerySet[Comparison] | None = None
) -> list[str]:
    """What holds these solutions, and these comparisons. What the import `batch` brought with them holds nothing."""
    ids = solutions.order_by().values("pk")
    about_compared = Q(left__in=ids) | Q(right__in=ids)
    if comparisons is not None:
        about_compared |= Q(pk__in=comparisons.order_by().values("pk"))
    compared = Comparison.objects.filter(about_compared)
    compared_ids = compared.order_by().values("pk")
    about = Q(task__solution__in=ids) | Q(task__comparison__in=compared_ids) | Q(derived_solution__in=ids)
    assignments = Assignment.objects.filter(about)
    tasks = Task.objects.filter(Q(solution__in=ids) | Q(comparison__in=compared_ids), round__origin="")
    others = compared.filter(batch__isnull=False)
    # Both sides of a comparison go with their problem, and it with them.
    others = others.exclude(left__in=ids, right__in=ids) if batch is None else others.exclude(batch=batch)
    imported = assignments.exclude(round__origin="").filter(Q(batch=None) | ~Q(batch=batch))
    gold = GoldLabel.objects.filter(step__solution__in=ids, origin="")
    adjudicated = Consensus.objects.filter(solution__in=ids, how=ConsensusMethod.ADJUDICATED)
    return [
        *clause(tasks.count(), "task of a round", "tasks of rounds"),
        *clause(imported.count(), "submission of another import", "submissions of other imports"),
        *clause(assignments.filter(round__origin="").count(), "person's assignment", "people's assignments"),
        *clause(gold.count(), "gold label made here", "gold labels made here"),
        *clause(adjudicated.count(), "adjudication"),
        *clause(
            SampledSolution.objects.filter(solution__in=ids).count(),
            "place in a blind sample",
            "places in blind samples",
        ),
        *clause(CascadeLabel.objects.filter(solution__in=ids).count(), "place in a cascade", "places in cascades"),
        *clause(_pools(solutions), "pool of a blind sample", "pools of blind samples"),
        *clause(others.count(), "comparison of another import", "comparisons of other imports"),
        *_results(ids, compared_ids),
    ]


def labels_from_files(solutions: QuerySet[Solution]) -> tuple[tuple[int, str], ...]:
    """What files brought on these solutions besides people's labels: it goes with them, whichever file it came from."""
    ids = solutions.order_by().values("pk")
    return (
        (GoldLabel.objects.filter(step__solution__in=ids).exclude(origin="").count(), "gold labels of files"),
        (_results_on(ids, ESTIMATES, own=False), "estimates of files"),
        (_results_on(ids, VERDICTS, own=False), "verdicts of files"),
        (_results_on(ids, SCORES, own=False), "scores of files"),
    )


def _results_on(ids: Any, kinds: tuple[type[Any], type[Any]], *, own: bool) -> int:
    """On how many of these solutions runs of ours, or of files, have results: one is counted once for each run."""
    origin = Q(run__origin="") if own else ~Q(run__origin="")
    of_step, of_solution = kinds
    steps = of_step.objects.filter(origin, step__solution__in=ids).order_by().values_list("run", "step__solution")
    whole = of_solution.objects.filter(origin, solution__in=ids).order_by().values_list("run", "solution")
    return int(steps.union(whole).count())


def _pools(solutions: QuerySet[Solution]) -> int:
    """The number of blind samples that were drawn from some of them."""
    first = solutions.order_by().values_list("project", flat=True).first()
    pools = BlindPool.objects.filter(sample__project=first) if first is not None else BlindPool.objects.none()
    return sum(solutions.order_by().filter(pk__in=pool.ids).exists() for pool in pools)


def _results(ids: Any, compared_ids: Any) -> list[str]:
    """Results of our own runs: they hold what they are about, so that no figure of a run changes afterwards."""
    verdicts = _results_on(ids, VERDICTS, own=True)
    preferences = ComparisonVerdict.objects.filter(comparison__in=compared_ids, run__origin="").count()
    replies = JudgeReply.objects.filter(Q(solution__in=ids) | Q(comparison__in=compared_ids)).count()
    waiting = RunComparison.objects.filter(comparison__in=compared_ids).count()
    estimates, scores = _results_on(ids, ESTIMATES, own=True), _results_on(ids, SCORES, own=True)
    revisions = Revision.objects.filter(Q(solution__in=ids) | Q(revised__in=ids)).count()
    return [
        *clause(
            estimates,
            "result of an estimation run",
            "results of estimation runs",
        ),
        *clause(
            scores,
            "score of a scoring run",
            "scores of scoring runs",
        ),
        *clause(max(verdicts + preferences, replies, waiting), "item of a judge run", "items of judge runs"),
        *clause(revisions, "revision"),
    ]


def live_runs(project: Project) -> list[str]:
    """Runs that may be at work on any solution of the project."""
    return [f"{run} is under way" for kind in RUNS for run in kind.objects.filter(project=project, status__in=LIVE)]


class SolutionKind(Kind[Solution]):
    name, title, needs, model = "solution", "solution", "edit_problems", Solution

    def title_of(self, row: Solution) -> str:
        return f"solution {row.pk}"

    def parts(self, row: Solution) -> list[Loss]:
        compared = Comparison.objects.filter(Q(left=row) | Q(right=row)).count()
        brought = labels_from_files(Solution.objects.filter(pk=row.pk))
        return counted((row.steps.count(), "steps"), (compared, "comparisons"), *brought)

    def holds(self, row: Solution) -> list[str]:
        older = Solution.objects.filter(project=row.project_id, **{f"extras__{RESPLIT_INTO}": row.pk}).count()
        return [
            *live_runs(row.project),
            *holds_on(Solution.objects.filter(pk=row.pk)),
            *clause(older, "older version of it", "older versions of it"),
        ]

    def remove(self, row: Solution) -> None:
        Solution.objects.filter(pk=row.pk).delete()
        mark_figures_stale(row.project_id)


class ProblemKind(Kind[Problem]):
    name, title, needs, model = "problem", "problem", "edit_problems", Problem

    def title_of(self, row: Problem) -> str:
        return f"problem {row.external_id or row.pk}"

    def parts(self, row: Problem) -> list[Loss]:
        solutions = row.solutions
        steps = sum(solutions.values_list("step_count", flat=True))
        return counted(
            (solutions.count(), "solutions"),
            (steps, "steps"),
            (row.comparisons.count(), "comparisons"),
            *labels_from_files(Solution.objects.filter(problem=row)),
        )

    def holds(self, row: Problem) -> list[str]:
        sampled = SampledProblem.objects.filter(problem=row).count()
        return [
            *live_runs(row.project),
            *holds_on(Solution.objects.filter(problem=row)),
            *clause(sampled, "result of a sampling run", "results of sampling runs"),
        ]

    def remove(self, row: Problem) -> None:
        super().remove(row)
        mark_figures_stale(row.project_id)


def foreign_problems(problems: QuerySet[Problem], solutions: QuerySet[Solution]) -> QuerySet[Problem]:
    """Those of the problems that have other solutions besides these, or were sampled."""
    others = Solution.objects.filter(problem=OuterRef("pk")).exclude(pk__in=solutions.order_by().values("pk"))
    return problems.filter(Exists(others) | Exists(SampledProblem.objects.filter(problem=OuterRef("pk"))))
