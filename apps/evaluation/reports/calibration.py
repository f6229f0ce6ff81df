"""Calibration: do 70 % of what is scored 0.7 turn out right? Steps against the truth, solutions against their answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np

from apps.evaluation.metrics.histograms import area_under_curve, score_histogram
from apps.evaluation.metrics.reducers import reduce_scores
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.reports.base import Progress, Report, rater_row
from apps.evaluation.sources.arrays import numbers_of
from apps.evaluation.sources.raters import Rater
from apps.evaluation.sources.samples import load_samples
from apps.evaluation.sources.scorers import (
    OUTCOME_RATER,
    VERIFIER_SCORE,
    rater_of,
    scores_of_files,
    scoring_runs,
    solution_step_scores,
    step_scores_of,
)
from apps.evaluation.sources.step_ratings import soft_estimates
from apps.evaluation.sources.truth import step_truth
from apps.projects.models import Project
from apps.quality.metrics.refresh import calibration_data
from apps.quality.statistics.calibration import calibration as calibrate
from apps.quality.statistics.ratings import Bools, Floats, Ints, ints
from apps.scoring.reducers import Reducer


@dataclass(frozen=True, slots=True)
class ScoredItems:
    """Steps or solutions (the `unit`) with scores, NaN without one, whether each is good, and its problem."""

    rater: Rater
    unit: str
    scores: Floats
    good: Bools
    problems: Ints


def calibration(project: Project, options: EvaluationOptions, progress: Progress) -> Report:
    runs = scoring_runs(project, options.scorer)
    progress(0, 2)
    rows = list(_of_steps(project, options))
    progress(1, 2)
    samples = load_samples(project, options.source)
    offsets = ints(np.concatenate(([0], np.cumsum(samples.lengths))))
    scores = [
        (
            rater_of(run),
            reduce_scores(solution_step_scores(run, samples.solutions, samples.lengths), offsets, Reducer.PRODUCT),
        )
        for run in runs
    ]
    if options.scorer in ("", VERIFIER_SCORE):
        scores.append((OUTCOME_RATER, scores_of_files(project, samples.solutions)))
    for rater, values in scores:
        scored = ScoredItems(rater, "solutions", values, samples.is_right, samples.problems)
        rows += _row(scored, options.resamples)
    return {"scorers": rows}


def _of_steps(project: Project, options: EvaluationOptions) -> Iterator[Report]:
    truth = step_truth(project, options)
    sources = [] if options.scorer else [soft_estimates(project, truth)]
    sources += [step_scores_of(run, truth) for run in scoring_runs(project, options.scorer)]
    for source in sources:
        for soft in source:
            good, problems = truth.is_good[soft.places], truth.problems[soft.places]
            yield from _row(ScoredItems(soft.rater, "steps", soft.scores, good, problems), options.resamples)


def _row(scored: ScoredItems, resamples: int) -> Iterator[Report]:
    """One, if anything has a score. Scores that are no probabilities have no calibration, but a histogram."""
    has_score = ~np.isnan(scored.scores)
    scores, good = scored.scores[has_score], scored.good[has_score]
    if not len(scores):
        return
    row = rater_row(
        scored.rater, unit=scored.unit, count=len(scores), good=int(good.sum()), area=area_under_curve(scores, good)
    )
    row["histogram"] = asdict(score_histogram(scores, good))
    row["calibration"] = None
    if scores.min() >= 0 and scores.max() <= 1:
        problems = numbers_of(scored.problems[has_score])
        row["calibration"] = calibration_data(calibrate(scores, good, problems, resamples=resamples))
    yield row
