"""Charts of the trust pages as SVG: an interval against a bar, and taus by what they label and what they risk."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from apps.dashboard.quality.tables import Cell
from apps.dashboard.templatetags.numbers import percent, share
from apps.quality.models import Cascade

register = template.Library()

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 420, 240, 46, 406, 14, 196
MOST_LEVELS = 6  # Multiples of what is allowed; bounds beyond are drawn at the top.


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


@register.simple_tag
def tau_plot(cascade: Cascade) -> SafeString:
    """Each tau: the share that machines would label, and the bound of wrong ones among these; the line is what is allowed."""
    rows = [row for row in cascade.table if row["eligible"]]
    step = 0.05 if max([row["machine_share"] for row in rows], default=0.0) <= 0.3 else 0.2
    widest = step * max(1, ceil(max([row["machine_share"] for row in rows], default=0.0) / step - 1e-9))
    worst = max([row["bound"] for row in rows if row["is_tested"]], default=0.0)
    levels = min(MOST_LEVELS, max(3, ceil(worst / cascade.alpha)))
    highest = levels * cascade.alpha
    x_values = [step * n for n in range(round(widest / step) + 1)]
    y_values = [cascade.alpha * n for n in range(levels + 1)]

    def x(value: float) -> float:
        return LEFT + (RIGHT - LEFT) * value / widest

    def y(value: float) -> float:
        return BOTTOM - (BOTTOM - TOP) * min(value, highest) / highest

    points = [_point(cascade, row, x(row["machine_share"]), y(row["bound"])) for row in rows]
    context = {
        "points": points,
        "path": " ".join(f"{point['x']},{point['y']}" for point in points),
        "alpha_y": f"{y(cascade.alpha):.1f}",
        "alpha_label": f"{y(cascade.alpha) - 5:.1f}",
        "alpha": percent(cascade.alpha),
        "x_ticks": [{"x": f"{x(value):.1f}", "label": share(value)} for value in x_values],
        "y_ticks": [{"y": f"{y(value):.1f}", "label": percent(value)} for value in y_values],
        "frame": {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        "labels": {"y": BOTTOM + 15, "caption": HEIGHT - 8, "tick": LEFT - 6, "middle": (LEFT + RIGHT) // 2},
    }
    return render_to_string("charts/taus.html", context)


def _point(cascade: Cascade, row: Mapping[str, Any], x: float, y: float) -> dict[str, str]:
    look = "untested" if not row["is_tested"] else "passed" if row["passes"] else "failed"
    if cascade.tau is not None and row["tau"] == cascade.tau:
        look = "chosen"
    title = (
        f"tau {row['tau']:g}: machines label {share(row['machine_share'])}, bound {100 * row['bound']:.1f} %, {look}"
    )
    return {"x": f"{x:.1f}", "y": f"{y:.1f}", "look": look, "title": title}
