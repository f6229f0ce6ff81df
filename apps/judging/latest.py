"""The newest run of each judge. Only this module decides which of a judge's runs counts.

Judges are identified by name: a new version replaces the older one. Monte Carlo's newest run is chosen in
`apps.estimation.latest`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from apps.corpus.labels import first_error
from apps.judging.models import JudgeRun, StepVerdict


@dataclass(slots=True)
class JudgeRatings:
    """The ratings of one solution's path in one judge's newest run, by position and by step id."""

    run_id: int
    by_position: dict[int, int] = field(default_factory=dict)
    by_step: dict[int, int] = field(default_factory=dict)


def newest_judge_ratings(lengths: Mapping[int, int]) -> dict[int, dict[str, JudgeRatings]]:
    """By solution, of those in `lengths`, and by the judge's name: the ratings of its newest run. One query."""
    newest: defaultdict[int, dict[str, JudgeRatings]] = defaultdict(dict)
    rows = StepVerdict.objects.counted().filter(step__solution__in=lengths, step__chosen=True).oldest_run_first()
    columns = ("run__judge__name", "step__solution_id", "run_id", "step_id", "step__position", "rating")
    for name, solution_id, run_id, step_id, position, rating in rows.values_list(*columns):
        ratings = newest[solution_id].get(name)
        if ratings is None or ratings.run_id != run_id:
            ratings = newest[solution_id][name] = JudgeRatings(run_id)
        ratings.by_position[position] = rating
        ratings.by_step[step_id] = rating
    return dict(newest)


def newest_of_each_judge(runs: Iterable[JudgeRun]) -> list[JudgeRun]:
    """The newest run of each judge, of runs that come as `oldest_run_first` sorts them."""
    return list({run.judge.name: run for run in runs}.values())


def judge_first_errors(lengths: Mapping[int, int]) -> dict[int, dict[str, int]]:
    """By solution, of those in `lengths` (their numbers of steps), and by judge, as name and version: the first error
    that the judge's newest run names. Two queries."""
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
