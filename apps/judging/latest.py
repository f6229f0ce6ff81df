"""The newest run of each judge. Only this module decides which of a judge's runs counts.

If the newest run's result for a solution is no verdict, the judge has none: an older run's does not take its place.
Judges are identified by name: a new version replaces the older one. Monte Carlo's newest run is chosen in
`apps.estimation.latest`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db.models import Model, QuerySet

from apps.corpus.labels import first_error
from apps.judging.models import ComparisonVerdict, JudgeRun, SolutionVerdict, StepVerdict
from apps.judging.models.runs import number_in_row, oldest_run_first, run_order
from apps.runs.status import counted_run_q

Verdict = TypeVar("Verdict", bound=Model)

# The columns of `run_order`.
_ORDER = ("run__judge__version", number_in_row("run__"), "run__number")


@dataclass(slots=True)
class JudgeRatings:
    """The ratings of one solution's path in one judge's newest run, by position and by step id."""

    run_id: int
    by_position: dict[int, int] = field(default_factory=dict)
    by_step: dict[int, int] = field(default_factory=dict)


def newest_judge_ratings(lengths: Mapping[int, int]) -> dict[int, dict[str, JudgeRatings]]:
    """By solution, of those in `lengths`, and by the judge's name: the ratings of its newest run. Two queries."""
    newest: defaultdict[int, dict[str, JudgeRatings]] = defaultdict(dict)
    orders: dict[int, tuple[int, int, int]] = {}
    rows = StepVerdict.objects.counted().filter(step__solution__in=lengths, step__chosen=True).oldest_run_first()
    columns = ("run__judge__name", "step__solution_id", "run_id", "step_id", "step__position", "rating")
    for name, solution_id, run_id, step_id, position, rating, *order in rows.values_list(*columns, *_ORDER):
        ratings = newest[solution_id].get(name)
        if ratings is None or ratings.run_id != run_id:
            ratings = newest[solution_id][name] = JudgeRatings(run_id)
            orders[run_id] = run_order(*order)
        ratings.by_position[position] = rating
        ratings.by_step[step_id] = rating
    undecided = SolutionVerdict.objects.undecided().filter(solution__in=lengths)
    for solution_id, name, *order in undecided.values_list("solution_id", "run__judge__name", *_ORDER):
        ratings = newest[solution_id].get(name)
        if ratings is not None and orders[ratings.run_id] < run_order(*order):
            del newest[solution_id][name]
    return {solution_id: by_judge for solution_id, by_judge in newest.items() if by_judge}


def newest_of_each_judge(solution_id: int, runs: Iterable[JudgeRun]) -> list[JudgeRun]:
    """The newest run of each judge, of runs that rate the solution; none of a judge whose newest result is undecided.

    One query.
    """
    newest: dict[str, JudgeRun] = {}
    undecided = SolutionVerdict.objects.undecided().filter(solution=solution_id).select_related("run__judge")
    own = list(runs)
    for run in sorted([*own, *(result.run for result in undecided)], key=lambda run: run.order):
        newest[run.judge.name] = run
    return [run for run in newest.values() if run in own]


def judge_first_errors(lengths: Mapping[int, int]) -> dict[int, dict[str, int]]:
    """By solution, of those in `lengths` (their numbers of steps), and by judge, as name and version: the first error
    that the judge's newest run names. Three queries."""
    newest = newest_judge_ratings(lengths)
    run_ids = {ratings.run_id for by_judge in newest.values() for ratings in by_judge.values()}
    runs = JudgeRun.objects.select_related("judge").in_bulk(run_ids)
    return {
        solution_id: {
            str(runs[ratings.run_id].judge): first_error(ratings.by_position, lengths[solution_id])
            for ratings in by_judge.values()
        }
        for solution_id, by_judge in newest.items()
    }


def newest_solution_verdicts(solution_id: int) -> list[SolutionVerdict]:
    """The result of each judge's newest run on this solution, whether it is a verdict or not; by name. One query."""
    results = SolutionVerdict.objects.filter(solution=solution_id).select_related("run__judge")
    return [result for _, result in sorted(_newest_by_judge(results, "solution_id").items())]


def newest_comparison_verdicts(comparison_ids: Iterable[int]) -> dict[int, list[ComparisonVerdict]]:
    """By comparison, as `newest_solution_verdicts` of solutions. One query."""
    results = ComparisonVerdict.objects.filter(comparison__in=list(comparison_ids)).select_related("run__judge")
    by_comparison: defaultdict[int, list[ComparisonVerdict]] = defaultdict(list)
    for (comparison_id, _), result in sorted(_newest_by_judge(results, "comparison_id").items()):
        by_comparison[comparison_id].append(result)
    return dict(by_comparison)


def _newest_by_judge(results: QuerySet[Verdict], item: str) -> dict[tuple[int, str], Verdict]:
    """By item and the judge's name, of runs that count."""
    newest: dict[tuple[int, str], Verdict] = {}
    for result in results.filter(counted_run_q("run__")).order_by(*oldest_run_first("run__")):
        row: Any = result
        newest[getattr(row, item), row.run.judge.name] = result
    return newest
