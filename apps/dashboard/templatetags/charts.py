"""Small charts as SVG, drawn by the server: no script, no style attributes. Their figures are also in a table or title.

Coordinates are texts with a decimal point, since templates localize numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from apps.core.statistics import wilson
from apps.dashboard.templatetags.numbers import share as share_of

register = template.Library()

WIDTH, HEIGHT, LEFT, RIGHT_PAD, BOTTOM_PAD, TOP_PAD = 320, 150, 48, 8, 26, 8
COLUMN, GAP, COLUMN_HEIGHT = 12, 3, 48
SHARE_BAR_WIDTH = 84


def _x(share: float) -> str:
    return f"{LEFT + share * (WIDTH - LEFT - RIGHT_PAD):.1f}"


def _y(share: float) -> str:
    return f"{TOP_PAD + (1 - share) * (HEIGHT - BOTTOM_PAD - TOP_PAD):.1f}"


def _plot(label: str, low: str, high: str, **marks: Any) -> SafeString:
    frame = {
        "width": WIDTH,
        "height": HEIGHT,
        "left": _x(0),
        "right": _x(1),
        "bottom": _y(0),
        "middle": _y(0.5),
        "top": _y(1),
        "caption": HEIGHT - 6,
    }
    return render_to_string("charts/plot.html", {"frame": frame, "label": label, "low": low, "high": high, **marks})


@register.simple_tag
def trend(weeks: Sequence[Mapping[str, Any]], label: str) -> SafeString:
    """Shares by week, with their intervals as a band."""
    weeks_with_value = [week for week in weeks if week["exact"]["value"] is not None]
    if not weeks_with_value:
        return format_html('<p class="muted small">{}</p>', "Not enough data yet.")
    dots, line, upper, lower = [], [], [], []
    for index, week in enumerate(weeks_with_value):
        x, measured = _x(index / max(1, len(weeks_with_value) - 1)), week["exact"]
        y = _y(measured["value"])
        line.append(f"{x},{y}")
        dots.append({"x": x, "y": y, "title": f"{week['week']}: {share_of(measured['value'])}"})
        if measured["low"] is not None:
            upper.append(f"{x},{_y(min(1, measured['high']))}")
            lower.append(f"{x},{_y(max(0, measured['low']))}")
    band = " ".join([*upper, *reversed(lower)])
    return _plot(
        label,
        weeks_with_value[0]["week"],
        weeks_with_value[-1]["week"],
        band=band,
        line=" ".join(line),
        dots=dots,
        radius="3",
    )


@register.simple_tag
def reliability(
    bins: Sequence[Mapping[str, Any]], label: str, across: str = "estimate", what: str = "good"
) -> SafeString:
    """Share of good steps against the mean estimate, one dot per bin; calibrated estimates are on the diagonal."""
    dots = [
        {
            "x": _x(bin_["mean"]),
            "y": _y(bin_["good"] / bin_["of"]),
            "low": _y(bin_["interval"][0]),
            "high": _y(bin_["interval"][1]),
            "title": f"{bin_['good']} of {bin_['of']} {what} at {share_of(bin_['mean'])}",
        }
        for bin_ in bins
        if bin_["of"]
    ]
    return _plot(label, f"{across} 0 %", "100 %", diagonal=True, dots=dots, radius="3.5")


@register.simple_tag
def bars(days: Sequence[tuple[date, int]], label: str) -> SafeString:
    """Counts by day or by hour as a small column chart; the figures are in its description and titles."""
    is_hourly = any(isinstance(day, datetime) for day, _ in days)
    unit, form = ("hours", "%H:00") if is_hourly else ("days", "%a %d %b")
    highest = max((count for _, count in days), default=0) or 1
    columns = []
    for index, (day, count) in enumerate(days):
        height = max(2, round(COLUMN_HEIGHT * count / highest))
        title = f"{day.strftime(form)}: {count}"
        columns.append(
            {
                "class": "some" if count else "none",
                "x": index * COLUMN,
                "y": COLUMN_HEIGHT - height,
                "height": height,
                "title": title,
            }
        )
    total = sum(count for _, count in days)
    context = {
        "columns": columns,
        "width": max(1, len(days)) * COLUMN - GAP,
        "height": COLUMN_HEIGHT,
        "label": f"{label}: {total} in {len(days)} {unit}, at most {highest if days else 0}",
    }
    return render_to_string("charts/bars.html", context)


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
