"""Small plots as SVG, drawn by the server: no script, no style attributes. Their figures stand in a table beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.dashboard.templatetags.numbers import share as share_of

register = template.Library()

WIDTH, HEIGHT, LEFT, PAD = 320, 150, 48, 26


def _x(share: float) -> float:
    return round(LEFT + share * (WIDTH - LEFT - 8), 1)


def _y(share: float) -> float:
    return round(8 + (1 - share) * (HEIGHT - PAD - 8), 1)


def _frame(label: str, inside: SafeString, low: str, high: str) -> SafeString:
    """Axes from 0 to 100 % upwards, with words for the ends of the one across."""
    return format_html(
        '<svg class="plot-area" viewBox="0 0 {w} {h}" role="img" aria-label="{label}">'
        '<g class="axis"><line x1="{x0}" x2="{x1}" y1="{y0}" y2="{y0}"/><line x1="{x0}" x2="{x1}" y1="{ym}" y2="{ym}"/>'
        '<line x1="{x0}" x2="{x1}" y1="{y1}" y2="{y1}"/><text x="{t}" y="{y0}">0 %</text><text x="{t}" y="{ym}">50 %</text>'
        '<text x="{t}" y="{y1}">100 %</text><text x="{x0}" y="{b}">{low}</text>'
        '<text class="end" x="{x1}" y="{b}">{high}</text></g>{inside}</svg>',
        w=WIDTH,
        h=HEIGHT,
        label=label,
        x0=_x(0),
        x1=_x(1),
        y0=_y(0),
        ym=_y(0.5),
        y1=_y(1),
        t=2,
        b=HEIGHT - 6,
        low=low,
        high=high,
        inside=inside,
    )


@register.simple_tag
def trend(weeks: Sequence[Mapping[str, Any]], label: str) -> SafeString:
    """Shares by week, with their intervals as a band."""
    told = [one for one in weeks if one["exact"]["value"] is not None]
    if not told:
        return format_html('<p class="muted small">{}</p>', "Not enough is known yet.")
    places = [index / max(1, len(told) - 1) for index in range(len(told))]
    banded = [(x, one["exact"]) for x, one in zip(places, told, strict=True) if one["exact"]["low"] is not None]
    upper = [f"{_x(x)},{_y(min(1, one['high']))}" for x, one in banded]
    lower = [f"{_x(x)},{_y(max(0, one['low']))}" for x, one in reversed(banded)]
    line = " ".join(f"{_x(x)},{_y(one['exact']['value'])}" for x, one in zip(places, told, strict=True))
    dots = format_html_join(
        "",
        '<circle cx="{}" cy="{}" r="3"><title>{}: {}</title></circle>',
        (
            (_x(x), _y(one["exact"]["value"]), one["week"], share_of(one["exact"]["value"]))
            for x, one in zip(places, told, strict=True)
        ),
    )
    inside = format_html(
        '<polygon class="band" points="{}"/><polyline class="line" points="{}"/>{}',
        " ".join([*upper, *lower]),
        line,
        dots,
    )
    return _frame(label, inside, told[0]["week"], told[-1]["week"])


@register.simple_tag
def reliability(
    bins: Sequence[Mapping[str, Any]], label: str, across: str = "estimate", what: str = "good"
) -> SafeString:
    """Share of good steps against the mean estimate, a dot a bin; on the diagonal estimates mean what they say."""
    told = [one for one in bins if one["of"]]
    marks = format_html_join(
        "",
        '<line class="whisker" x1="{x}" x2="{x}" y1="{low}" y2="{high}"/>'
        '<circle cx="{x}" cy="{y}" r="3.5"><title>{title}</title></circle>',
        (
            {
                "x": _x(one["mean"]),
                "y": _y(one["good"] / one["of"]),
                "low": _y(one["interval"][0]),
                "high": _y(one["interval"][1]),
                "title": f"{one['good']} of {one['of']} {what} at {share_of(one['mean'])}",
            }
            for one in told
        ),
    )
    inside = format_html(
        '<line class="diagonal" x1="{}" y1="{}" x2="{}" y2="{}"/>{}', _x(0), _y(0), _x(1), _y(1), marks
    )
    return _frame(label, inside, f"{across} 0 %", "100 %")
