"""Labels against F1: a point for each finished scoring run, on gold, and what each closed round bought."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import permutations

import numpy as np

from apps.core.jobs.model import JobStatus
from apps.evaluation.metrics.learning_curve import LearningCurve, LearningPoint, label_ratio, line_of
from apps.evaluation.metrics.learning_curve import learning_curve as curve_through
from apps.evaluation.metrics.processbench import f1_gain
from apps.evaluation.metrics.thresholds import Threshold
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.reports.base import Progress, Report, rater_row
from apps.evaluation.reports.reward_models import errors_below_threshold
from apps.evaluation.sources.first_errors import NamedErrors
from apps.evaluation.sources.labels import LabelTimes, choice_of, closed_rounds, label_times
from apps.evaluation.sources.scorers import first_error_scores, rater_of, scoring_runs
from apps.evaluation.sources.truth import FirstErrorTruth, first_error_truth
from apps.labeling.models import Round
from apps.projects.models import Project
from apps.quality.statistics.first_error_score import FirstErrorScore, first_error_score
from apps.quality.statistics.ratings import Floats, Ints, ints
from apps.scoring.models import ScoringRun

LEAST_SHARE = 0.1  # Of the solutions that the run with most of them scored.


@dataclass(frozen=True, slots=True)
class ScoredGold:
    """The solutions with gold that a run scored, and the scores of all steps with gold."""

    run: ScoringRun
    places: Ints
    scores: Floats


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """A run with its F1, and the labels that existed when it started."""

    run: ScoringRun
    labels: int
    named: NamedErrors
    threshold: Threshold
    score: FirstErrorScore

    @property
    def line(self) -> str:
        return line_of(self.run.model)


def learning_curve(project: Project, options: EvaluationOptions, progress: Progress) -> Report:
    truth, times = first_error_truth(project, options), label_times(project)
    runs = [run for run in scoring_runs(project, options.scorer) if run.status == JobStatus.FINISHED]
    scored = []
    for done, run in enumerate(runs):
        progress(done, len(runs) + 1)
        scored.append(ScoredGold(run, *first_error_scores(run, truth)))
    progress(len(runs), len(runs) + 1)
    common, compared = _comparable(scored, truth, options)
    measured = [row for gold in compared for row in _measured(gold, common, truth, options, times)]
    curves = _curves(measured)
    return {
        "truth": {
            "gold": truth.gold_count,
            "solutions": len(measured[0].named.places) if measured else 0,
            "erroneous": measured[0].score.erroneous_count if measured else 0,
        },
        "labels": len(times.steps),
        "runs": [_run_row(row, times) for row in measured],
        "left_out": [
            {"run": rater_of(gold.run).name, "solutions": len(gold.places)}
            for gold in scored
            if len(gold.places) and gold.run not in {kept.run for kept in compared}
        ],
        "curves": [asdict(curve) for curve in curves],
        "ratios": list(_ratios(curves)),
        "rounds": [_round_row(round_, measured, truth, options, times) for round_ in closed_rounds(project)],
    }


def _comparable(
    scored: Sequence[ScoredGold], truth: FirstErrorTruth, options: EvaluationOptions
) -> tuple[Ints, list[ScoredGold]]:
    """The solutions that all compared runs scored, and these runs in the order of their start.

    Beginning with the run that scored most, a run is left out if it would leave less than LEAST_SHARE of that run's
    solutions, or only solutions with errors, or only ones without.
    """
    common, kept = ints(np.arange(len(truth.solutions))), list[ScoredGold]()
    for gold in sorted(scored, key=lambda gold: (-len(gold.places), -gold.run.number)):
        shared = ints(np.intersect1d(common, gold.places))
        reported = shared if options.threshold is not None else shared[~truth.dev[shared]]
        has_both = 0 < truth.is_erroneous[reported].sum() < len(reported)
        if has_both and len(shared) >= LEAST_SHARE * len((kept or [gold])[0].places):
            common = shared
            kept.append(gold)
    return common, sorted(kept, key=lambda gold: (gold.run.created_at, gold.run.number))


def _measured(
    gold: ScoredGold, common: Ints, truth: FirstErrorTruth, options: EvaluationOptions, times: LabelTimes
) -> Iterator[MeasuredRun]:
    for named, threshold in errors_below_threshold(gold.run, common, gold.scores, truth, options):
        score = first_error_score(
            named.is_right,
            truth.is_erroneous[named.places],
            truth.problems[named.places],
            resamples=options.resamples,
        )
        yield MeasuredRun(gold.run, times.labels_before(gold.run.created_at), named, threshold, score)


def _run_row(row: MeasuredRun, times: LabelTimes) -> Report:
    return rater_row(
        rater_of(row.run),
        row.score,
        run=row.run.number,
        line=row.line,
        started_at=row.run.created_at.isoformat(),
        labels=row.labels,
        labeled_solutions=times.solutions_before(row.run.created_at),
        solutions=len(row.named.places),
        threshold=asdict(row.threshold),
    )


def _curves(measured: Sequence[MeasuredRun]) -> list[LearningCurve]:
    """A line for each name of models. Runs that started without labels have no place on the logarithmic axis."""
    lines: dict[str, list[LearningPoint]] = {}
    for row in measured:
        if row.labels:
            lines.setdefault(row.line, []).append(LearningPoint(rater_of(row.run).name, row.labels, row.score.f1))
    return [curve_through(line, points) for line, points in lines.items()]


def _ratios(curves: Sequence[LearningCurve]) -> Iterator[Report]:
    """The share of one line's labels with which another reaches its last F1. A line has at least two points."""
    lines = [curve for curve in curves if len(curve.points) > 1]
    for curve, baseline in permutations(lines, 2):
        ratio = label_ratio(curve, baseline)
        if ratio is not None:
            last = baseline.points[-1]
            yield {
                "curve": curve.title,
                "baseline": baseline.title,
                "labels": last.labels,
                "f1": last.f1.value,
                "ratio": ratio,
                # Its first point is there already: fewer labels might do.
                "is_upper_bound": (curve.points[0].f1.value or 0) >= (last.f1.value or 0),
            }


def _round_row(
    round_: Round,
    measured: Sequence[MeasuredRun],
    truth: FirstErrorTruth,
    options: EvaluationOptions,
    times: LabelTimes,
) -> Report:
    assert round_.closed_at is not None
    gains = []
    for line in dict.fromkeys(row.line for row in measured):
        own = [row for row in measured if row.line == line]
        before = [row for row in own if round_.opened_at and row.run.created_at <= round_.opened_at]
        after = [row for row in own if row.run.created_at >= round_.closed_at]
        if before and after:
            gains.append(_gain(line, before[-1], after[0], truth, options))
    return {
        "round": round_.number,
        "name": str(round_),
        "choice": choice_of(round_),
        "select": round_.selection.get("select", ""),
        "closed_at": round_.closed_at.isoformat(),
        "labels": times.labels_before(round_.closed_at),
        "gains": gains,
    }


def _gain(
    line: str, before: MeasuredRun, after: MeasuredRun, truth: FirstErrorTruth, options: EvaluationOptions
) -> Report:
    """From the last run before the round to the first one after it."""
    places = before.named.places
    gain = f1_gain(
        before.named.is_right,
        after.named.is_right,
        truth.is_erroneous[places],
        truth.problems[places],
        resamples=options.resamples,
    )
    return {
        "line": line,
        "before": before.run.number,
        "after": after.run.number,
        "labels": after.labels - before.labels,
        "gain": asdict(gain),
    }
