"""PRMBench's scores of every rater: single steps called good or bad."""

from __future__ import annotations

from dataclasses import asdict

from apps.evaluation.metrics.step_scores import prm_score_of, step_scores, step_tallies
from apps.evaluation.metrics.thresholds import Threshold, choose_threshold
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.reports.base import Progress, Report, rater_row
from apps.evaluation.sources import step_ratings
from apps.evaluation.sources.scorers import scoring_runs, step_scores_of
from apps.evaluation.sources.step_ratings import CalledSteps, SoftSteps
from apps.evaluation.sources.truth import StepTruth, step_truth
from apps.projects.models import Project


def steps(project: Project, options: EvaluationOptions, progress: Progress) -> Report:
    truth = step_truth(project, options)
    runs = scoring_runs(project, options.scorer)
    sources = [step_ratings.people, step_ratings.consensus, step_ratings.rollouts, step_ratings.judges]
    sources = [] if options.scorer else sources
    total, rows = len(sources) + len(runs), []
    for done, source in enumerate(sources):
        progress(done, total)
        rows += [_row(called, truth, options) for called in source(project, truth)]
    for done, run in enumerate(runs, len(sources)):
        progress(done, total)
        rows += [_row(*_called(soft, truth, options)) for soft in step_scores_of(run, truth)]
    return {
        "truth": {
            "steps": len(truth.steps),
            "gold": truth.gold_count,
            "bad": int((~truth.is_good).sum()),
            "problems": int(truth.problems.max(initial=-1)) + 1,
        },
        "raters": rows,
    }


def _row(
    called: CalledSteps, truth: StepTruth, options: EvaluationOptions, threshold: Threshold | None = None
) -> Report:
    scores = step_scores(
        called.called_good,
        truth.is_good[called.places],
        truth.problems[called.places],
        resamples=options.resamples,
    )
    return rater_row(called.rater, scores, steps=len(called.places), threshold=asdict(threshold) if threshold else None)


def _called(
    soft: SoftSteps, truth: StepTruth, options: EvaluationOptions
) -> tuple[CalledSteps, StepTruth, EvaluationOptions, Threshold]:
    """Steps that score at least the threshold are called good."""
    dev = truth.dev[soft.places]
    dev_scores, dev_good = soft.scores[dev], truth.is_good[soft.places[dev]]

    def prm_score_at(value: float) -> float:
        return float(prm_score_of(step_tallies(dev_scores >= value, dev_good).sum(axis=0)))

    threshold = choose_threshold(options.threshold, dev_scores, prm_score_at)
    measured = ~dev if threshold.chosen == "dev" else slice(None)
    called = CalledSteps(soft.rater, soft.places[measured], soft.scores[measured] >= threshold.value)
    return called, truth, options, threshold
