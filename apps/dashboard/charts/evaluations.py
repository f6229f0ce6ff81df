"""The charts of evaluations and cascades: curves over a logarithmic axis, histograms of two kinds, taus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from apps.dashboard.charts.model import Axis, Chart, Layer, Point, Rule, categories
from apps.dashboard.evaluation.plots import CurvePlot, LearningPlot, Series
from apps.dashboard.templatetags.numbers import percent, share, thousands
from apps.quality.models import Cascade


def curve_chart(plot: CurvePlot) -> Chart:
    """Accuracy against N, with bands."""
    x = Axis("N, the number of samples", thousands, is_logarithmic=True, prefix="N =")
    return Chart(plot.title, plot.about, x, Axis("accuracy", share), _layers(plot.series))


def learning_chart(plot: LearningPlot) -> Chart:
    """Labels against F1, a line for each name of models, and where rounds closed."""
    series = [
        Series(
            curve.title,
            f"line-{number}",
            [(point.labels, point.f1.value or 0.0, point.f1.low, point.f1.high) for point in curve.points],
        )
        for number, curve in enumerate(plot.curves, 1)
        if curve.points
    ]
    rules = [
        Rule("x", mark.labels, mark.short, f"{mark.title}: closed at {mark.labels:,} labels") for mark in plot.rounds
    ]
    x = Axis("labels of people", thousands, is_logarithmic=True, prefix="labels:")
    about = "F1 by the number of labels. Dotted lines: where rounds closed."
    return Chart("Labels against F1", about, x, Axis("F1", share), _layers(series), rules if series else [])


def _layers(series: Sequence[Series]) -> list[Layer]:
    return [
        Layer(line.title, line.look, [Point(*point) for point in line.points], has_band=line.has_band)
        for line in series
    ]


def score_chart(histogram: Mapping[str, Any], title: str, about: str) -> Chart:
    """Scores of good items beside those of bad ones; each kind as shares of its own."""
    good, bad = histogram["good"], histogram["bad"]
    width = (histogram["high"] - histogram["low"]) / len(good)
    edges = [histogram["low"] + number * width for number in range(len(good) + 1)]
    names = [f"{low:.3g} to {high:.3g}" for low, high in pairwise(edges)]
    layers = [
        Layer(
            f"{name}: {sum(counts):,}",
            name,
            [Point(number, count / (sum(counts) or 1), note=f"{count:,}") for number, count in enumerate(counts)],
            "columns",
        )
        for name, counts in (("good", good), ("bad", bad))
    ]
    return Chart(title, about, categories("score", names), Axis("share of each kind", percent, low=0), layers)


def tau_chart(cascade: Cascade) -> Chart:
    """Each tau: the share that machines would label, and the bound of wrong ones among these; the line is what is allowed."""
    rows = [row for row in cascade.table if row["eligible"]]
    worst = max([row["bound"] for row in rows if row["is_tested"]], default=cascade.alpha)
    points = [
        Point(
            row["machine_share"],
            row["bound"],
            note=f"tau {row['tau']:g}, {_state(cascade, row)}",
            look=_state(cascade, row),
        )
        for row in rows
    ]
    allowed = Rule("y", cascade.alpha, f"allowed: {percent(cascade.alpha)}", f"Allowed: {percent(cascade.alpha)}")
    # Bounds of taus that are not tested may be far beyond; they are drawn at the top.
    highest = max(3 * cascade.alpha, min(worst, 6 * cascade.alpha))
    return Chart(
        "Wrong labels by tau",
        "To the right machines label more, and upwards more of it may be wrong. Filled circles pass, crosses fail, hollow "
        "circles are not tested" + (", and the diamond is chosen." if cascade.tau is not None else "."),
        Axis("labeled by machines", share, low=0),
        Axis("bound of wrong labels", percent, low=0, high=highest),
        [Layer("", "taus", points, has_band=False)],
        [allowed],
    )


def _state(cascade: Cascade, row: Mapping[str, Any]) -> str:
    if cascade.tau is not None and row["tau"] == cascade.tau:
        return "chosen"
    return "untested" if not row["is_tested"] else "passed" if row["passes"] else "failed"
