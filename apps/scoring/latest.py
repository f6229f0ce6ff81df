"""Scores of solutions' steps: those of the newest counted run, the same for all pages, exports and the API.

A run counts once it has finished or was cancelled. Runs are in the order of their numbers in the project.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from apps.corpus.models import Step
from apps.runs.status import counted_run_q
from apps.scoring.models import ScoringRun, StepScore


@dataclass(slots=True)
class RunScores:
    """The scores of one solution's path in one run, by position and by step id. Steps without one are left out."""

    run_id: int
    by_position: dict[int, float] = field(default_factory=dict)
    by_step: dict[int, float] = field(default_factory=dict)


def newest_scores(solution_ids: Collection[int]) -> dict[int, RunScores]:
    """By solution: the scores of the newest counted run that scored a step of its path. One query."""
    rows = StepScore.objects.filter(counted_run_q("run__"), step__solution__in=solution_ids, step__chosen=True)
    newest: dict[int, RunScores] = {}
    columns = ("step__solution_id", "run_id", "step_id", "step__position", "score")
    for solution_id, run_id, step_id, position, score in rows.order_by("-run__number").values_list(*columns):
        scores = newest.setdefault(solution_id, RunScores(run_id))
        if scores.run_id == run_id:
            scores.by_position[position] = score
            scores.by_step[step_id] = score
    return newest


def run_scores(run: ScoringRun, solution_ids: Collection[int]) -> dict[int, RunScores]:
    """By solution: its scores in this run, whatever the run's status. One query."""
    rows = StepScore.objects.filter(run=run, step__solution__in=solution_ids, step__chosen=True)
    by_solution: dict[int, RunScores] = {}
    for solution_id, step_id, position, score in rows.values_list(
        "step__solution_id", "step_id", "step__position", "score"
    ):
        scores = by_solution.setdefault(solution_id, RunScores(run.pk))
        scores.by_position[position] = score
        scores.by_step[step_id] = score
    return by_solution


def newest_of_each_model(steps: Sequence[Step]) -> dict[int, list[StepScore]]:
    """By step id, for the steps of one solution: the scores of the newest counted run of each reward model, by name."""
    rows = StepScore.objects.filter(counted_run_q("run__"), step__in=steps).select_related("run")
    newest: dict[str, ScoringRun] = {}
    for score in rows:
        run = newest.setdefault(score.run.model, score.run)
        if score.run.number > run.number:
            newest[score.run.model] = score.run
    by_step: dict[int, list[StepScore]] = {}
    for score in sorted(rows, key=lambda score: score.run.model):
        if newest[score.run.model].pk == score.run_id:
            by_step.setdefault(score.step_id, []).append(score)
    return by_step
