"""What the plots of an evaluation show: which curves on which plot, and which intervals. Coordinates are the charts'."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from apps.dashboard.evaluation.tables import RATER_KINDS, curve_title, round_title
from apps.evaluation.metrics.learning_curve import LearningCurve
from apps.evaluation.models import EvaluationKind
from apps.scoring.reducers import REDUCER_TITLES

Data = Mapping[str, Any]
Point = tuple[float, float, float | None, float | None]  # N, the value, and its interval.

MOST_SCORERS = 4  # On the plot of all scorers; more lines cannot be told apart.
MOST_PLOTS = 6
MOST_INTERVALS = 40


@dataclass(frozen=True, slots=True)
class Series:
    """A line of a plot. `look` names its colour, dashes and marks."""

    title: str
    look: str
    points: list[Point]
    has_band: bool = True


@dataclass(frozen=True, slots=True)
class CurvePlot:
    title: str
    about: str
    series: list[Series]


@dataclass(frozen=True, slots=True)
class IntervalRow:
    title: str
    note: str
    measured: Data


@dataclass(frozen=True, slots=True)
class RoundMark:
    """A closed round on the axis of labels."""

    labels: int
    short: str
    title: str


@dataclass(frozen=True, slots=True)
class LearningPlot:
    """Labels against F1: a line for each name of models, and the rounds. `unlabeled` runs started without labels."""

    curves: list[LearningCurve]
    rounds: list[RoundMark]
    unlabeled: Sequence[Data] = ()


@dataclass(frozen=True, slots=True)
class Plots:
    curves: list[CurvePlot] = field(default_factory=list)
    intervals: list[IntervalRow] = field(default_factory=list)
    scorers: list[Data] = field(default_factory=list)
    learning: LearningPlot | None = None


def plots_of(kind: str, report: Data) -> Plots:
    if kind == EvaluationKind.BEST_OF_N:
        return Plots(curves=list(_curve_plots(report["curves"])))
    if kind == EvaluationKind.CALIBRATION:
        return Plots(scorers=report["scorers"][:MOST_PLOTS])
    if kind == EvaluationKind.LEARNING_CURVE:
        return Plots(learning=_learning_plot(report))
    measure = "f1" if kind == EvaluationKind.PROCESSBENCH else "prm_score"
    rows = [
        IntervalRow(row["rater"]["name"], RATER_KINDS[row["rater"]["kind"]], row[measure])
        for row in report["raters"]
        if row[measure]["value"] is not None
    ]
    return Plots(intervals=sorted(rows, key=lambda row: -row.measured["value"])[:MOST_INTERVALS])


def _learning_plot(report: Data) -> LearningPlot:
    """The lines with most points. Rounds that closed without labels have no place on the logarithmic axis."""
    curves = sorted(msgspec.convert(report["curves"], list[LearningCurve]), key=lambda curve: -len(curve.points))
    rounds = [
        RoundMark(row["labels"], f"round {row['round']}", round_title(row)) for row in report["rounds"] if row["labels"]
    ]
    unlabeled = [row for row in report["runs"] if not row["labels"]]
    return LearningPlot(curves[:MOST_SCORERS], rounds, unlabeled)


def _curve_plots(curves: Sequence[Data]) -> Iterator[CurvePlot]:
    """All scorers with their first reducer, as PRM800K's figure 3; then the reducers of each scorer."""
    passes, majority = (_of_kind(curves, kind) for kind in ("pass", "majority"))
    best = _of_kind(curves, "best_of_n")
    by_scorer: dict[str, list[Data]] = {}
    for curve in best:
        by_scorer.setdefault(curve["scorer"]["name"], []).append(curve)
    firsts = [own[0] for own in by_scorer.values()][-MOST_SCORERS:]
    if curves:
        yield CurvePlot(
            "Best-of-N",
            "The share of problems whose chosen sample is right, by the number of samples to choose from.",
            [
                *(_series(curve, f"line-{number}") for number, curve in enumerate(firsts, 1)),
                *(_series(curve, "line-majority") for curve in majority),
                *(_series(curve, "line-pass") for curve in passes),
            ],
        )
    for name, own in list(by_scorer.items())[-MOST_PLOTS:]:
        votes = [curve for curve in _of_kind(curves, "weighted_vote") if curve["scorer"]["name"] == name]
        yield CurvePlot(
            f"Ways to use {name}",
            "The same scorer with each reducer, and as the weight of votes. Intervals are in the figures.",
            [
                *(_bare(curve, f"line-{number}", _reducer(curve)) for number, curve in enumerate(own, 1)),
                *(_bare(curve, "line-vote", "weighted vote") for curve in votes),
                *(_bare(curve, "line-majority") for curve in majority),
            ],
        )


def _of_kind(curves: Sequence[Data], kind: str) -> list[Data]:
    return [curve for curve in curves if curve["kind"] == kind]


def _series(curve: Data, look: str, title: str = "") -> Series:
    points = [(point["n"], point["value"], point["low"], point["high"]) for point in curve["points"]]
    return Series(title or curve_title(curve), look, points)


def _bare(curve: Data, look: str, title: str = "") -> Series:
    """Without a band: many of them over each other tell nothing."""
    return replace(_series(curve, look, title), has_band=False)


def _reducer(curve: Data) -> str:
    return REDUCER_TITLES[curve["reducer"]] if curve["reducer"] else "best score"
