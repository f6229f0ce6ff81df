"""Numbers as people read them, and small plots of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.statistics import wilson

register = template.Library()

DASH = "–"


@register.filter
def thousands(value: float | None) -> str:
    """12345 is 12,345; nothing is a dash."""
    return DASH if value is None else f"{value:,.0f}"


@register.filter
def share(value: float | None) -> str:
    """0.1234 is 12 %."""
    return DASH if value is None else f"{100 * value:.0f} %"


@register.filter(name="wilson")
def wilson_interval(successes: int, rollouts: int) -> str:
    """6 of 8 is 0.41 to 0.93."""
    low, high = wilson(successes, rollouts)
    return f"{low:.2f} to {high:.2f}"


@register.filter
def unlocalized(value: float) -> str:
    """For attributes that browsers read: always a point."""
    return f"{value:.4f}"


@register.filter
def duration(seconds: float | None) -> str:
    """Two units at most: 3 h 20 min, 4 min 5 s, 12 s."""
    if seconds is None:
        return DASH
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if 0 < seconds < 10 else f"{whole} s"
    for size, name, small, smaller in ((86_400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small
            return f"{whole // size} {name} {rest} {smaller}" if rest else f"{whole // size} {name}"
    return f"{whole} s"


@register.filter
def milliseconds(value: float | None) -> str:
    return duration(None if value is None else value / 1000)


@register.simple_tag
def bars(days: Sequence[tuple[date, int]], label: str) -> SafeString:
    """Counts of days, or of hours, as a small column chart; the figures are in its description and titles."""
    in_hours = any(isinstance(day, datetime) for day, _ in days)
    unit, form = ("hours", "%H:00") if in_hours else ("days", "%a %d %b")
    highest = max((count for _, count in days), default=0) or 1
    width, height = 12, 48
    columns = format_html_join(
        "",
        '<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="1.5"><title>{}: {}</title></rect>',
        (
            (
                "none" if not count else "some",
                index * width,
                height - (drawn := max(2, round(height * count / highest))),
                width - 3,
                drawn,
                day.strftime(form),
                count,
            )
            for index, (day, count) in enumerate(days)
        ),
    )
    said = f"{label}: {sum(count for _, count in days)} in {len(days)} {unit}, {highest if days else 0} at most"
    return format_html(
        '<svg class="bars" viewBox="0 0 {} {}" role="img" aria-label="{}" preserveAspectRatio="none">{}</svg>',
        max(1, len(days)) * width - 3,
        height,
        said,
        columns,
    )


@register.simple_tag
def share_bar(successes: int | None, rollouts: int) -> SafeString:
    """The share of rollouts that reached the answer, with its interval as a thin line. The figures stand beside it."""
    low, high = wilson(successes or 0, rollouts)
    width = 84
    return format_html(
        '<svg class="share-bar" viewBox="0 0 {w} 10" width="{w}" height="10" aria-hidden="true">'
        '<rect class="all" width="{w}" height="8" y="1" rx="4"/><rect class="part" width="{}" height="8" y="1" rx="4"/>'
        '<line x1="{}" x2="{}" y1="5" y2="5"/></svg>',
        unlocalized(width * (successes or 0) / rollouts),
        unlocalized(width * low),
        unlocalized(width * high),
        w=width,
    )


@register.filter
def step_number(first_error: int | None) -> str:
    """A first error as people say it: steps count from 1."""
    if first_error is None or first_error < -1:
        return "cannot be told"
    return "none" if first_error == -1 else str(first_error + 1)


RATING_WORDS = {-1: "bad", 0: "okay", 1: "great"}
RATING_SIGNS = {-1: "−", 0: "0", 1: "+"}


@register.filter
def rating_word(rating: int | None) -> str:
    return RATING_WORDS.get(rating, DASH) if rating is not None else DASH


@register.filter
def ratings_line(steps: Sequence[dict[str, object]] | None) -> str:
    """The ratings of a submission that was kept, as signs: + + 0 −."""
    if not isinstance(steps, Sequence):
        return DASH
    said = ("?" if one.get("unsure") else RATING_SIGNS.get(one.get("rating"), DASH) for one in steps)  # type: ignore[call-overload]
    return " ".join(said) or DASH
