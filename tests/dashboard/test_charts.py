"""Charts: points are where they belong, every value is also in words, in a table and in a file, and one dot is no chart."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import cast
from urllib.parse import unquote
from xml.etree import ElementTree as ET

import pytest

from apps.dashboard.charts.confusion import confusion_of
from apps.dashboard.charts.model import Axis, Chart, Layer, Point
from apps.dashboard.charts.scales import round_step, y_scale
from apps.dashboard.evaluation.plots import CurvePlot, LearningPlot, RoundMark, Series
from apps.dashboard.templatetags.charts import (
    activity,
    confusion,
    curve_plot,
    distribution,
    interval_bar,
    learning_plot,
    reliability,
    score_histogram,
    tau_plot,
    trend,
)
from apps.evaluation.metrics.learning_curve import LearningPoint, learning_curve
from apps.quality.models import Cascade
from apps.quality.statistics.bootstrap import Measured


def svg_of(html: str) -> ET.Element:
    found = re.search(r"<svg.*?</svg>", html, re.DOTALL)
    assert found
    return ET.fromstring(found[0])  # noqa: S314 - our own chart


def titles(html: str) -> list[str]:
    return [title.text or "" for title in svg_of(html).iter("title")]


def texts(html: str) -> list[str]:
    return [text.text or "" for text in svg_of(html).iter("text")]


def file_of(html: str) -> list[list[str]]:
    (address,) = re.findall(r'href="data:text/csv;charset=utf-8,([^"]*)" download="[a-z0-9-]+\.csv"', html)
    return list(csv.reader(unquote(address).splitlines()))


def line(look: str, *points: tuple[float, float]) -> Series:
    return Series(f"<b>{look}", look, [(n, value, value - 0.02, value + 0.02) for n, value in points])


def test_n_is_on_a_logarithmic_axis_and_titles_are_escaped() -> None:
    drawn = curve_plot(CurvePlot("Best-of-N", "About.", [line("line-1", (1, 0.42), (8, 0.5), (64, 0.68))]))
    assert "<b>line" not in drawn
    assert "style=" not in drawn
    xs = [float(circle.get("cx") or 0) for circle in svg_of(drawn).iter("circle")]
    assert xs[1] - xs[0] == pytest.approx(xs[2] - xs[1], abs=0.2), "8 is halfway from 1 to 64"
    assert texts(drawn) == ["40 %", "50 %", "60 %", "70 %", "1", "8", "64", "N, the number of samples", "accuracy"]
    assert titles(drawn) == ["N = 1: 42 % (40 % to 44 %)", "N = 8: 50 % (48 % to 52 %)", "N = 64: 68 % (66 % to 70 %)"]
    assert "N = 64: 68 % (66 % to 70 %)" in (svg_of(drawn).findtext("desc") or "")
    assert file_of(drawn)[0] == ["series", "N, the number of samples", "accuracy", "low", "high", "note"]
    assert file_of(drawn)[3] == ["<b>line-1", "64", "0.68", "0.66", "0.7", ""]


def test_a_wide_plot_has_wide_steps_and_one_without_a_value_says_so() -> None:
    wide = curve_plot(CurvePlot("Wide", "", [line("line-1", (1, 0.1), (2, 0.93))]))
    assert re.findall(r"(\d+ %)</text>", wide) == ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]
    assert "Not enough data yet" in curve_plot(CurvePlot("None", "", []))


def test_below_two_points_the_figure_is_in_words() -> None:
    single = curve_plot(CurvePlot("One", "", [Series("all", "line-pass", [(1, 0.97, None, None)])]))
    assert "<svg" not in single
    assert "N = 1: 97 %" in single
    week = {"week": "2026-11-30", "exact": {"value": 0.59, "low": 0.47, "high": 0.73}, "solutions": 41}
    told = trend([week], "Agreement by week", "")
    assert "<svg" not in told
    assert "week from 30 Nov 2026: 59 % (47 % to 73 %), 41 solutions" in told
    one_day = activity([(date(2026, 1, 1), 0), (date(2026, 1, 2), 4)], "Submissions")
    assert "<svg" not in one_day
    assert "2 Jan: 4" in one_day
    none = activity([(date(2026, 1, 1), 0)], "Submissions")
    assert "None yet." in none


def test_columns_by_day_have_dates_values_and_a_label_of_their_axis() -> None:
    drawn = activity([(date(2026, 1, day), day % 3) for day in range(1, 15)], "<b>Submissions")
    assert "&lt;b&gt;Submissions" in drawn
    assert "style=" not in drawn
    assert titles(drawn)[:3] == ["1 Jan: 1", "2 Jan: 2", "3 Jan: 0"]
    assert "14 Jan" in texts(drawn)
    assert {"0", "1", "2", "submissions", "day"} <= set(texts(drawn))
    rects = [rect for rect in svg_of(drawn).iter("rect") if rect.get("class") == "bar-of"]
    heights = [float(rect.get("height") or 0) for rect in rects]
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)
    assert heights[2] == 0
    assert file_of(drawn)[1][:3] == ["<b>Submissions", "2026-01-01", "1"]
    hours = activity([(datetime(2026, 1, 1, hour, tzinfo=UTC), 1 + hour) for hour in (9, 10)], "Submissions")
    assert titles(hours) == ["09:00: 10", "10:00: 11"]


def test_shares_by_week_have_a_band_and_weeks_without_a_value_are_left_out() -> None:
    known = {"value": 0.5, "low": 0.25, "high": 0.75}
    nothing = {"value": None, "low": None, "high": None}
    days = ("2026-11-02", "2026-11-09", "2026-11-16")
    weeks = [{"week": day, "exact": exact} for day, exact in zip(days, (known, nothing, known), strict=True)]
    drawn = trend(weeks, "Agreement", "")
    assert titles(drawn) == ["week from 2 Nov 2026: 50 % (25 % to 75 %)", "week from 16 Nov 2026: 50 % (25 % to 75 %)"]
    polygon = svg_of(drawn).find("polygon")
    assert polygon is not None
    assert len((polygon.get("points") or "").split()) == 4


def test_calibrated_estimates_are_on_the_diagonal() -> None:
    bins = [{"mean": mean, "good": good, "of": 10, "interval": (0.1, 0.6)} for mean, good in ((0.2, 2), (0.8, 8))]
    drawn = reliability([*bins, {"mean": 0.5, "good": 0, "of": 0, "interval": (0, 1)}], "Good steps")
    diagonal = svg_of(drawn).find("line[@class='diagonal']")
    assert diagonal is not None
    start, end = (
        (float(diagonal.get("x1") or 0), float(diagonal.get("y1") or 0)),
        (
            float(diagonal.get("x2") or 0),
            float(diagonal.get("y2") or 0),
        ),
    )
    for circle in svg_of(drawn).iter("circle"):
        x, y = float(circle.get("cx") or 0), float(circle.get("cy") or 0)
        assert (x - start[0]) / (end[0] - start[0]) == pytest.approx((y - start[1]) / (end[1] - start[1]), abs=0.01)
    assert titles(drawn)[1] == "estimate 20 %: 20 % (10 % to 60 %), 2 of 10 good"


def test_labels_are_plotted_against_f1_with_the_rounds() -> None:
    points = [LearningPoint(f"run {n}", 100 * n, Measured(0.3 + n / 20, 0.2, 0.6, 40)) for n in (1, 2, 4)]
    curves = [learning_curve("random", points), learning_curve("none", [])]
    rounds = [
        RoundMark(100, "round 1", "round 1, at random"),
        RoundMark(390, "round 2", "r2"),
        RoundMark(400, "round 3", "r3"),
    ]
    drawn = learning_plot(LearningPlot(curves, rounds))
    assert "labels: 400: 50 % (20 % to 60 %)" in drawn
    assert "round 1, at random: closed at 100 labels" in (svg_of(drawn).findtext("desc") or "")
    assert re.findall(r">(round \d)</text>", drawn) == ["round 1", "round 3"], "texts do not overlap"
    assert len(svg_of(drawn).findall("g[@class='rule x']")) == 3
    early = learning_plot(LearningPlot(curves, [RoundMark(50, "round 1", "round 1")]))
    rule = svg_of(early).find("g[@class='rule x']/line")
    assert rule is not None
    assert rule.get("x1") == "54.0", "the axis begins where the first round closed"
    assert "Not enough data yet" in learning_plot(LearningPlot([], rounds))


def test_a_histogram_has_good_ones_beside_bad_ones_and_a_legend() -> None:
    drawn = score_histogram({"low": 0.0, "high": 1.0, "good": [1, 3], "bad": [4, 0]}, "Scores")
    assert titles(drawn) == [
        "good: 4, 0 to 0.5: 25 %, 1",
        "good: 4, 0.5 to 1: 75 %, 3",
        "bad: 4, 0 to 0.5: 100 %, 4",
        "bad: 4, 0.5 to 1: 0 %, 0",
    ]
    assert drawn.count("<li><svg") == 2
    assert score_histogram({"low": 0.0, "high": 1.0, "good": [0], "bad": [0]}, "Nothing")


def test_a_tau_is_told_by_its_shape_and_what_is_allowed_is_a_line() -> None:
    rows = [
        {"eligible": True, "is_tested": True, "passes": True, "tau": 0.99, "machine_share": 0.1, "bound": 0.01},
        {"eligible": True, "is_tested": True, "passes": True, "tau": 0.95, "machine_share": 0.2, "bound": 0.04},
        {"eligible": True, "is_tested": True, "passes": False, "tau": 0.9, "machine_share": 0.3, "bound": 0.08},
        {"eligible": True, "is_tested": False, "passes": False, "tau": 0.5, "machine_share": 0.6, "bound": 0.9},
        {"eligible": False, "is_tested": False, "passes": False, "tau": 0.1, "machine_share": 0.9, "bound": 0.9},
    ]
    cascade = cast("Cascade", SimpleNamespace(table=rows, tau=0.95, alpha=0.05))
    drawn = tau_plot(cascade)
    looks = [point.get("class") for point in svg_of(drawn).iter("g") if (point.get("class") or "").startswith("point")]
    assert looks == ["point passed", "point chosen", "point failed", "point untested"]
    assert "allowed: 5 %" in texts(drawn)
    assert "tau 0.9, failed" in titles(drawn)[3]
    ys = [float(circle.get("cy") or 0) for circle in svg_of(drawn).iter("circle")]
    assert ys[3] == 26, "a bound beyond the axis is at its top"


@dataclass(frozen=True)
class Bar:
    label: str
    count: int
    share: float | None
    note: str = ""


def test_a_distribution_has_counts_or_shares() -> None:
    bars = [Bar("0.0 to 0.5", 3, 0.3), Bar("0.5 to 1.0", 10, 1.0)]
    counts = distribution(bars, "Scores", "", "score", "steps")
    assert titles(counts) == ["0.0 to 0.5: 3", "0.5 to 1.0: 10"]
    noted = [Bar("1", 3, 0.3, "3 of 10"), Bar("2", 1, None, "1 of 2"), Bar("3", 5, 0.5, "5 of 10")]
    shares = distribution(noted, "Dead steps", "", "step")
    assert titles(shares) == ["1: 30 %, 3 of 10", "3: 50 %, 5 of 10"]
    assert "Nothing yet." in distribution([], "Scores", "", "score", "steps")


def test_a_confusion_matrix_is_darker_where_more_of_its_row_is() -> None:
    ((_, first), (_, empty)) = confusion_of([["bad", 9, 1, 0], ["great", 0, 0, 0]])
    assert [cell.level for cell in first] == [5, 1, 0]
    assert [cell.share for cell in empty] == [None, None, None]
    shown = confusion([["bad", 9, 1]], ["Rated", "bad", "great"], "Ratings")
    assert (shown["header"], shown["rows"][0][0]) == (["Rated", "bad", "great"], "bad")


def test_an_interval_is_a_band_around_its_mark() -> None:
    drawn = interval_bar({"value": 0.5, "low": 0.25, "high": 0.75})
    assert 'class="range" x="25.00" width="50.00"' in drawn
    assert 'class="value" x="49.50"' in drawn
    assert 'width="0.00"' in interval_bar({"value": 0.5, "low": None, "high": None})


@pytest.mark.parametrize(
    ("low", "high", "is_whole", "step"),
    [
        (0, 1, False, 0.2),
        (0, 0.3, False, 0.05),
        (0, 7, True, 2),
        (0, 1, True, 1),
        (0, 1234, True, 500),
        (3, 3, False, 0.2),
    ],
)
def test_steps_are_round(low: float, high: float, *, is_whole: bool, step: float) -> None:
    assert round_step(low, high, is_whole=is_whole) == pytest.approx(step)


def test_a_flat_line_has_an_axis_around_it() -> None:
    points = [Point(1, 0.5), Point(2, 0.5)]
    chart = Chart("Flat", "", Axis("x", str), Axis("y", str), [Layer("", "line-1", points)])
    scale, ticks = y_scale(chart, 100, 0)
    assert scale.low < 0.5 <= scale.high
    assert len(ticks) > 1


def test_the_file_cannot_be_a_formula() -> None:
    drawn = curve_plot(CurvePlot("F", "", [Series("=1+1", "line-1", [(1, 0.1, None, None), (2, 0.2, None, None)])]))
    assert file_of(drawn)[1][0] == "'=1+1"
