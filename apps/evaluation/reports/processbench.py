"""ProcessBench's F1 of every rater, per part and on average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from apps.evaluation.metrics.processbench import average_f1
from apps.evaluation.metrics.thresholds import Threshold
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.reports.base import Progress, Report, rater_row
from apps.evaluation.reports.reward_models import errors_below_threshold
from apps.evaluation.sources import first_errors
from apps.evaluation.sources.first_errors import NamedErrors
from apps.evaluation.sources.scorers import first_error_scores, scoring_runs
from apps.evaluation.sources.truth import FirstErrorTruth, first_error_truth
from apps.projects.models import Project
from apps.quality.statistics.first_error_score import first_error_score
from apps.quality.statistics.ratings import Bools, Ints

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
        named_errors = errors_below_threshold(run, *first_error_scores(run, truth), truth, options)
        rows += [_row(named, truth, options, threshold) for named, threshold in named_errors]
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
