"""Scorers: reward models that scored steps, and the scores of solutions that came with a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from apps.core.errors import DomainError
from apps.corpus.models import Solution
from apps.evaluation.sources.arrays import load_table, places_of
from apps.evaluation.sources.raters import Rater, RaterKind
from apps.evaluation.sources.step_ratings import SoftSteps
from apps.evaluation.sources.truth import FirstErrorTruth, StepTruth
from apps.projects.models import Project
from apps.quality.statistics.ratings import Floats, Ints, ints
from apps.runs.status import counted_run_q
from apps.scoring.models import ScoringRun, SolutionScore, StepScore

VERIFIER_SCORE = "verifier_score"
OUTCOME_RATER = Rater(RaterKind.OUTCOME_SCORE, VERIFIER_SCORE)
_RUN = re.compile(r"run (\d{1,9})")


def scoring_runs(project: Project, scorer: str = "") -> list[ScoringRun]:
    """The counted runs that the name selects: all without one, `run N`, or the newest run of a model.

    Raises DomainError, field `scorer`, for a name without a run.
    """
    runs = list(ScoringRun.objects.filter(counted_run_q(), project=project).order_by("number"))
    if not scorer:
        return runs
    if scorer == VERIFIER_SCORE:
        return []
    number = _RUN.fullmatch(scorer)
    selected = [run for run in runs if (run.number == int(number[1]) if number else run.model == scorer)]
    if not selected:
        names = dict.fromkeys(name for run in runs for name in (run.model, f"run {run.number}"))
        choices = ", ".join([*names, VERIFIER_SCORE])
        raise DomainError(
            f"There is no scorer {scorer!r}; there are {choices}.",
            fields={"scorer": f"must be one of {choices}"},
        )
    return selected[-1:]


def rater_of(run: ScoringRun) -> Rater:
    return Rater(RaterKind.REWARD_MODEL, f"{run.model}, run {run.number}")


def first_error_scores(run: ScoringRun, truth: FirstErrorTruth) -> tuple[Ints, Floats]:
    """The places of the scored solutions in the truth, and the scores of all steps of the truth, NaN without one."""
    places, scores = _step_scores(run, truth.solutions, truth.lengths)
    return np.unique(places), scores


def step_scores_of(run: ScoringRun, truth: StepTruth) -> Iterator[SoftSteps]:
    """One, if the run scored a step of the truth."""
    table = load_table(_path_scores(run), "step_id", "score")
    matched, places = places_of(table[:, 0], truth.steps)
    if len(matched):
        yield SoftSteps(rater_of(run), places, table[matched, 1])


def solution_step_scores(run: ScoringRun, solutions: Ints, lengths: Ints) -> Floats:
    """The scores of all steps of these solutions, whose ids are in ascending order; NaN without one."""
    return _step_scores(run, solutions, lengths)[1]


def _step_scores(run: ScoringRun, solutions: Ints, lengths: Ints) -> tuple[Ints, Floats]:
    """The solution's place of each score in the run, and the scores of all steps."""
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    scores = np.full(int(offsets[-1]), np.nan)
    table = load_table(_path_scores(run), "step__solution_id", "step__position", "score")
    matched, places = places_of(table[:, 0], solutions)
    scores[offsets[places] + ints(table[matched, 1])] = table[matched, 2]
    return places, scores


def has_scores_of_files(project: Project) -> bool:
    return _scores_of_files(project).exists()


def scores_of_files(project: Project, solutions: Ints) -> Floats:
    """The `verifier_score` of these solutions, whose ids are in ascending order, that no scoring run stored; NaN else.

    A score that a scoring run replaced counts, too.
    """
    replaced = SolutionScore.objects.filter(run__project=project, replaced__isnull=False)
    scores = np.full(len(solutions), np.nan)
    for rows, score in ((replaced, "replaced"), (_scores_of_files(project), VERIFIER_SCORE)):
        table = load_table(rows, "solution_id" if rows is replaced else "pk", score)
        matched, places = places_of(table[:, 0], solutions)
        scores[places] = table[matched, 1]
    return scores


def _scores_of_files(project: Project) -> QuerySet[Solution]:
    stored_by_run = SolutionScore.objects.filter(solution=OuterRef("pk"), is_applied=True)
    return Solution.objects.filter(~Exists(stored_by_run), project=project, verifier_score__isnull=False)


def _path_scores(run: ScoringRun) -> QuerySet[StepScore]:
    return StepScore.objects.filter(run=run, step__chosen=True)


def scorer_names(project: Project) -> Sequence[str]:
    """The names that the option `scorer` may have, newest runs first."""
    runs = ScoringRun.objects.filter(counted_run_q(), project=project).order_by("-number")
    names = [f"run {run.number}" for run in runs]
    return [*names, VERIFIER_SCORE] if has_scores_of_files(project) else names
