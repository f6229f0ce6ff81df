"""Charts of evaluations as SVG: curves over a logarithmic axis, histograms of two kinds, intervals.

Each figure is also in a table on the page. Coordinates are texts with a decimal point, since templates localize numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import slugify

from apps.dashboard.evaluation.plots import CurvePlot, LearningPlot, Point, RoundMark, Series
from apps.dashboard.templatetags.numbers import share

register = template.Library()

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 262, 42, 406, 10, 226
HISTOGRAM_HEIGHT, MIDDLE, TALLEST = 164, 74, 62
MOST_TICKS = 9
TICK_GAP, MARK_GAP = 30, 52  # Texts that are nearer to each other would overlap.
# Marks around (0, 0), so that lines are told apart without their colours.
MARKS = {
    "line-1": "M-3.4 0a3.4 3.4 0 1 0 6.8 0a3.4 3.4 0 1 0-6.8 0z",
    "line-2": "M-3-3h6v6h-6z",
    "line-3": "M0-4.2L4 3H-4z",
    "line-4": "M0-4.4L4.4 0L0 4.4L-4.4 0z",
    "line-vote": "M-3.6-3.6L3.6 3.6M-3.6 3.6L3.6-3.6",
    "line-majority": "M-3.4 0h6.8M0-3.4v6.8",
    "line-pass": "M-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0z",
}


@dataclass(frozen=True, slots=True)
class Axes:
    """The ranges of a plot: x on a logarithmic scale, y in shares."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    y_step: float

    @classmethod
    def of(cls, series: Sequence[Series], marks: Sequence[float] = ()) -> Axes:
        """Tenths around the values and their intervals; fifths where these are far apart. `marks` are on the x axis, too."""
        points = [point for line in series for point in line.points]
        values = [value for line in series for point in line.points for value in _bounds(line, point)]
        step = 0.1 if max(values) - min(values) < 0.5 else 0.2
        low, high = step * floor(min(values) / step + 1e-9), step * ceil(max(values) / step - 1e-9)
        if low == high:
            low, high = max(0.0, low - step), max(high, step)
        xs = [*(n for n, *_ in points), *marks]
        return cls(min(xs), max(xs), low, high, step)

    def x(self, value: float) -> float:
        if self.x_high == self.x_low:
            return (LEFT + RIGHT) / 2
        return LEFT + (RIGHT - LEFT) * log(value / self.x_low) / log(self.x_high / self.x_low)

    def y(self, value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * (value - self.y_low) / (self.y_high - self.y_low)

    def y_ticks(self) -> list[dict[str, str]]:
        numbers = range(round(self.y_low / self.y_step), round(self.y_high / self.y_step) + 1)
        shares = [number * self.y_step for number in numbers]
        return [{"y": f"{self.y(tick):.1f}", "label": share(tick)} for tick in shares]

    def x_ticks(self, values: Sequence[float]) -> list[dict[str, str]]:
        known = sorted(set(values))
        shown = _apart(known[:: ceil(len(known) / MOST_TICKS)], self.x, TICK_GAP)
        return [{"x": f"{self.x(value):.1f}", "label": f"{value:,.0f}"} for value in shown]


@register.simple_tag
def curve_plot(plot: CurvePlot) -> SafeString:
    """Accuracy against N, with bands."""
    return _lines(plot.title, plot.about, plot.series, across="N, the number of samples", x_unit="N =")


@register.simple_tag
def learning_plot(plot: LearningPlot) -> SafeString:
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
    about = "F1 by the number of labels."
    return _lines("Labels against F1", about, series, across="labels", x_unit="labels:", marks=plot.rounds)


def _lines(
    title: str, about: str, series: Sequence[Series], *, across: str, x_unit: str, marks: Sequence[RoundMark] = ()
) -> SafeString:
    if not series:
        return render_to_string("charts/curves.html", {"series": []})
    axes = Axes.of(series, [mark.labels for mark in marks])
    context = {
        "id": f"plot-{slugify(title)}",
        "title": title,
        "about": about,
        "across": across,
        "frame": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        "labels": {
            "y": BOTTOM + 15,
            "caption": HEIGHT - 4,
            "tick": LEFT - 6,
            "middle": (LEFT + RIGHT) // 2,
            "mark": BOTTOM - 6,
        },
        "x_ticks": axes.x_ticks([n for line in series for n, *_ in line.points]),
        "y_ticks": axes.y_ticks(),
        "series": [_line(line, axes, x_unit) for line in series],
        "marks": _marks(marks, axes),
    }
    return render_to_string("charts/curves.html", context)


def _marks(marks: Sequence[RoundMark], axes: Axes) -> list[dict[str, str]]:
    """Vertical lines; of those that are near to each other, one has a text."""
    named = _apart([mark.labels for mark in marks], axes.x, MARK_GAP)
    return [
        {
            "x": f"{axes.x(mark.labels):.1f}",
            "anchor": "start" if axes.x(mark.labels) < (LEFT + RIGHT) / 2 else "end",
            "at": f"{axes.x(mark.labels) + (4 if axes.x(mark.labels) < (LEFT + RIGHT) / 2 else -4):.1f}",
            "label": mark.short if mark.labels in named else "",
            "title": f"{mark.title}: closed at {mark.labels:,} labels",
        }
        for mark in marks
    ]


def _apart(values: Sequence[float], place: Callable[[float], float], gap: float) -> list[float]:
    """The values, without those nearer than the gap to a kept one; the last one is kept."""
    kept: list[float] = []
    for value in reversed(values):
        if not kept or place(kept[-1]) - place(value) >= gap:
            kept.append(value)
    return kept[::-1]


def _bounds(line: Series, point: Point) -> list[float]:
    """What must be inside of the plot: the value, and its interval if the line has a band."""
    bounds = point[1:] if line.has_band else point[1:2]
    return [value for value in bounds if value is not None]


def _line(line: Series, axes: Axes, x_unit: str) -> dict[str, Any]:
    places = [(f"{axes.x(n):.1f}", f"{axes.y(value):.1f}") for n, value, *_ in line.points]
    points = line.points if line.has_band else []
    bounded = [(n, low, high) for n, _, low, high in points if low is not None and high is not None]
    upper = [f"{axes.x(n):.1f},{axes.y(high):.1f}" for n, _, high in bounded]
    lower = [f"{axes.x(n):.1f},{axes.y(low):.1f}" for n, low, _ in reversed(bounded)]
    return {
        "title": line.title,
        "look": line.look,
        "mark": MARKS[line.look],
        "path": " ".join(f"{x},{y}" for x, y in places),
        "band": " ".join(upper + lower),
        "first": point_text(line.points[0], x_unit),
        "last": point_text(line.points[-1], x_unit),
        "points": [
            {"x": x, "y": y, "title": f"{line.title}, {point_text(point, x_unit)}"}
            for (x, y), point in zip(places, line.points, strict=True)
        ],
    }


def point_text(point: Point, x_unit: str) -> str:
    """N = 8: 45 % (41 to 49 %)."""
    n, value, low, high = point
    bounds = "" if low is None or high is None else f" ({100 * low:.0f} to {share(high)})"
    return f"{x_unit} {n:,.0f}: {share(value)}{bounds}"


@register.simple_tag
def score_histogram(histogram: Mapping[str, Any], label: str) -> SafeString:
    """Scores of good items above the line, of bad ones below; each kind as shares of its own."""
    good, bad, bins = histogram["good"], histogram["bad"], len(histogram["good"])
    width, step = (histogram["high"] - histogram["low"]) / bins, (RIGHT - LEFT) / bins
    highest = max(max(good) / (sum(good) or 1), max(bad) / (sum(bad) or 1)) or 1.0
    columns = []
    for number, (good_count, bad_count) in enumerate(zip(good, bad, strict=True)):
        low = histogram["low"] + number * width
        up = TALLEST * good_count / (sum(good) or 1) / highest
        down = TALLEST * bad_count / (sum(bad) or 1) / highest
        columns.append(
            {
                "x": f"{LEFT + number * step + 0.5:.1f}",
                "width": f"{step - 1:.1f}",
                "top": f"{MIDDLE - up:.1f}",
                "up": f"{up:.1f}",
                "down": f"{down:.1f}",
                "title": f"{low:.3g} to {low + width:.3g}: {good_count:,} good, {bad_count:,} bad",
            }
        )
    context = {
        "label": f"{label}: {sum(good):,} good, {sum(bad):,} bad",
        "columns": columns,
        "frame": {
            "width": WIDTH,
            "height": HISTOGRAM_HEIGHT,
            "left": LEFT,
            "right": RIGHT,
            "middle": MIDDLE,
            "good": MIDDLE - 6,
            "bad": MIDDLE + 14,
            "caption": HISTOGRAM_HEIGHT - 6,
        },
        "low": f"{histogram['low']:.3g}",
        "high": f"{histogram['high']:.3g}",
    }
    return render_to_string("charts/histogram.html", context)


@register.simple_tag
def interval_bar(measured: Mapping[str, Any]) -> SafeString:
    """A share as a mark on a line from 0 to 1, and its interval as a band."""
    value = measured["value"]
    low = value if measured["low"] is None else measured["low"]
    high = value if measured["high"] is None else measured["high"]
    context = {"low": f"{100 * low:.2f}", "width": f"{100 * (high - low):.2f}", "value": f"{100 * value - 0.5:.2f}"}
    return render_to_string("charts/interval_bar.html", context)
