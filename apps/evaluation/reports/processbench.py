"""ProcessBench's F1 of every rater, per part and on average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from apps.evaluation.metrics.processbench import (
    average_f1,
    f1_of,
    first_error_score,
    first_error_tallies,
    first_errors_below,
)
from apps.evaluation.metrics.thresholds import Threshold, choose_threshold
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.reports.base import Progress, Report, rater_row
from apps.evaluation.sources import first_errors
from apps.evaluation.sources.first_errors import NamedErrors
from apps.evaluation.sources.scorers import first_error_scores, rater_of, scoring_runs
from apps.evaluation.sources.truth import FirstErrorTruth, first_error_truth
from apps.projects.models import Project
from apps.quality.statistics.ratings import Bools, Floats, Ints, ints
from apps.scoring.models import ScoringRun

MOST_PARTS = 30


def processbench(project: Project, options: EvaluationOptions, progress: Progress) -> Report:
    truth = first_error_truth(project, options)
    runs = scoring_runs(project, options.scorer)
    sources = (
        []
        if options.scorer
        else [first_errors.people, first_errors.consensus, first_errors.rollouts, first_errors.judges]
    )
    total, rows = len(sources) + len(runs), []
    for done, source in enumerate(sources):
        progress(done, total)
        rows += [_row(named, truth, options) for named in source(project, truth)]
    for done, run in enumerate(runs, len(sources)):
        progress(done, total)
        rows += [_row(named, truth, options, threshold) for named, threshold in _reward_model(run, truth, options)]
    return {
        "truth": {
            "solutions": len(truth.solutions),
            "gold": truth.gold_count,
            "erroneous": int(truth.is_erroneous.sum()),
            "problems": int(truth.problems.max(initial=-1)) + 1,
        },
        "raters": rows,
    }


def _row(
    named: NamedErrors, truth: FirstErrorTruth, options: EvaluationOptions, threshold: Threshold | None = None
) -> Report:
    places, is_erroneous = named.places, truth.is_erroneous[named.places]
    problems, parts, resamples = truth.problems[places], truth.parts[places], options.resamples
    return rater_row(
        named.rater,
        first_error_score(named.is_right, is_erroneous, problems, resamples=resamples),
        solutions=len(places),
        average=asdict(average_f1(named.is_right, is_erroneous, problems, parts, resamples=resamples)),
        parts=[_part(name, mask, named, truth, resamples) for name, mask in _parts(truth, parts)],
        threshold=asdict(threshold) if threshold else None,
    )


def _parts(truth: FirstErrorTruth, parts: Ints) -> Iterator[tuple[str, Bools]]:
    """The largest parts of these solutions, in the order of their names; none if there is only one."""
    counts = np.bincount(parts, minlength=len(truth.part_names))
    largest = np.sort(np.argsort(-counts, kind="stable")[:MOST_PARTS])
    for number in largest.tolist() if (counts > 0).sum() > 1 else ():
        if counts[number]:
            yield truth.part_names[number], parts == number


def _part(name: str, mask: Bools, named: NamedErrors, truth: FirstErrorTruth, resamples: int) -> dict[str, Any]:
    places = named.places[mask]
    score = first_error_score(
        named.is_right[mask], truth.is_erroneous[places], truth.problems[places], resamples=resamples
    )
    return {"name": name, "solutions": len(places), **asdict(score)}


def _reward_model(
    run: ScoringRun, truth: FirstErrorTruth, options: EvaluationOptions
) -> Iterator[tuple[NamedErrors, Threshold]]:
    """The first steps below a threshold, of the solutions that the run scored."""
    places, scores = first_error_scores(run, truth)
    dev = places[truth.dev[places]]
    dev_scores, dev_offsets = _scores_at(dev, scores, truth)

    def f1_at(threshold: float) -> float:
        is_right = truth.accepts(dev, first_errors_below(dev_scores, dev_offsets, threshold))
        return float(f1_of(first_error_tallies(is_right, truth.is_erroneous[dev]).sum(axis=0)))

    threshold = choose_threshold(options.threshold, dev_scores, f1_at)
    if threshold.chosen == "dev":
        places = places[~truth.dev[places]]
    if len(places):
        errors = first_errors_below(*_scores_at(places, scores, truth), threshold.value)
        yield NamedErrors(rater_of(run), places, truth.accepts(places, errors)), threshold


def _scores_at(places: Ints, scores: Floats, truth: FirstErrorTruth) -> tuple[Floats, Ints]:
    """The scores of these solutions' steps, and their offsets."""
    lengths = truth.lengths[places]
    offsets = ints(np.concatenate(([0], np.cumsum(lengths))))
    steps = np.repeat(truth.offsets[places] - offsets[:-1], lengths) + np.arange(offsets[-1])
    return scores[steps], offsets
