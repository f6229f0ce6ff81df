"""Charts on pages, and the small bars within the cells of tables, whose figures stand beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps.core.statistics import wilson
from apps.dashboard.charts import builders, evaluations
from apps.dashboard.charts.confusion import confusion_of
from apps.dashboard.charts.svg import render
from apps.dashboard.evaluation.plots import CurvePlot, LearningPlot
from apps.dashboard.quality.tables import Cell
from apps.quality.metrics.profile import GoldWeek
from apps.quality.models import Cascade

register = template.Library()

SHARE_BAR_WIDTH = 84


@register.simple_tag
def activity(days: Sequence[tuple[date, int]], title: str) -> SafeString:
    return render(builders.activity_chart(days, title))


@register.simple_tag
def trend(weeks: Sequence[Mapping[str, Any]], title: str, about: str) -> SafeString:
    return render(builders.trend_chart(weeks, title, about))


@register.simple_tag
def gold_trend(weeks: Sequence[GoldWeek]) -> SafeString:
    """A labeler's accuracy on gold by week."""
    return render(builders.gold_chart(weeks))


@register.simple_tag
def reliability(
    bins: Sequence[Mapping[str, Any]], title: str, about: str = "", across: str = "estimate", what: str = "good"
) -> SafeString:
    return render(builders.reliability_chart(bins, title, about, across, what))


@register.simple_tag
def run_reliability(run: Mapping[str, Any]) -> SafeString:
    """Soft estimates of an estimation run against people, as the quality page has them."""
    title = f"Run {run['number']}: good steps by soft estimate"
    about = "What people call good. Calibrated estimates are on the line."
    return reliability(run["calibration"]["bins"], title, about)


@register.simple_tag
def judge_reliability(run: Mapping[str, Any]) -> SafeString:
    """A judge's confidence against people, as the quality page has it."""
    title = f"{run['judge']} v{run['version']}, run {run['number']}: right verdicts by confidence"
    about = "What people call right. Calibrated confidence is on the line."
    return reliability(run["calibration"]["bins"], title, about, "confidence", "right")


@register.simple_tag
def distribution(bins: Sequence[builders.Bar], title: str, about: str, across: str, unit: str = "") -> SafeString:
    return render(builders.distribution_chart(bins, title, about, across, unit))


@register.simple_tag
def curve_plot(plot: CurvePlot) -> SafeString:
    return render(evaluations.curve_chart(plot))


@register.simple_tag
def learning_plot(plot: LearningPlot) -> SafeString:
    return render(evaluations.learning_chart(plot))


@register.simple_tag
def score_histogram(histogram: Mapping[str, Any], title: str, about: str = "") -> SafeString:
    return render(evaluations.score_chart(histogram, title, about))


@register.simple_tag
def tau_plot(cascade: Cascade) -> SafeString:
    return render(evaluations.tau_chart(cascade))


@register.inclusion_tag("charts/confusion.html")
def confusion(rows: Sequence[Sequence[Any]], header: Sequence[str], caption: str) -> dict[str, Any]:
    """A confusion matrix whose cells are darker the greater their share of the row. A row is its title and its counts."""
    return {"header": header, "rows": confusion_of(rows), "caption": caption}


# --- within the cells of tables ---------------------------------------------------------------------------


@register.simple_tag
def share_bar(successes: int | None, rollouts: int) -> SafeString:
    """The share of rollouts that reached the answer, with its interval as a thin line."""
    low, high = wilson(successes or 0, rollouts)
    context = {
        "width": SHARE_BAR_WIDTH,
        "share": f"{SHARE_BAR_WIDTH * (successes or 0) / rollouts:.4f}",
        "low": f"{SHARE_BAR_WIDTH * low:.4f}",
        "high": f"{SHARE_BAR_WIDTH * high:.4f}",
    }
    return render_to_string("charts/share_bar.html", context)


@register.simple_tag
def interval_bar(measured: Mapping[str, Any]) -> SafeString:
    """A share as a mark on a line from 0 to 1, and its interval as a band."""
    value = measured["value"]
    low = value if measured["low"] is None else measured["low"]
    high = value if measured["high"] is None else measured["high"]
    context = {"low": f"{100 * low:.2f}", "width": f"{100 * (high - low):.2f}", "value": f"{100 * value - 0.5:.2f}"}
    return render_to_string("charts/interval_bar.html", context)


@register.simple_tag
def rate_bar(cell: Cell, bar: float | None = None) -> SafeString | str:
    """A share on a line from 0 to 1 with its interval, and the bar that it has to reach; empty where it is not shown."""
    if cell.value is None or not cell.is_shown:
        return ""
    low = cell.value if cell.low is None else cell.low
    high = cell.value if cell.high is None else cell.high
    context = {
        "low": f"{100 * low:.2f}",
        "width": f"{100 * (high - low):.2f}",
        "value": f"{min(99.0, 100 * cell.value):.2f}",
        "bar": None if bar is None else f"{100 * bar:.2f}",
        "reaches": bar is not None and low >= bar,
    }
    return render_to_string("charts/rate_bar.html", context)
