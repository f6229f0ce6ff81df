"""Numbers and ratings as people read them."""

from __future__ import annotations

from collections.abc import Sequence

from django import template

from apps.core.statistics import wilson

register = template.Library()

DASH = "–"


@register.filter
def thousands(value: float | None) -> str:
    """12345 is 12,345; None is a dash."""
    return DASH if value is None else f"{value:,.0f}"


@register.filter
def share(value: float | None) -> str:
    """0.1234 is 12 %."""
    return DASH if value is None else f"{100 * value:.0f} %"


@register.filter
def percent(value: float | None) -> str:
    """0.0432 is 4.3 %, and 0.05 is 5 %."""
    return DASH if value is None else f"{round(100 * value, 1):g} %"


@register.filter
def cost(value: float | None) -> str:
    """Two digits after the point, more for small amounts: 12.50, 0.0012."""
    if value is None:
        return DASH
    return f"{value:,.2f}" if value >= 0.1 or value == 0 else f"{value:.2g}"


@register.filter(name="wilson")
def wilson_interval(successes: int, rollouts: int) -> str:
    """6 of 8 is 0.41 to 0.93."""
    low, high = wilson(successes, rollouts)
    return f"{low:.2f} to {high:.2f}"


@register.filter
def unlocalized(value: float) -> str:
    """For attributes that browsers read: always with a decimal point."""
    return f"{value:.4f}"


@register.filter
def duration(seconds: float | None) -> str:
    """At most two units: 3 h 20 min, 4 min 5 s, 12 s."""
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


@register.filter
def step_number(first_error: int | None) -> str:
    """A first error as the number of its step, from 1."""
    if first_error is None or first_error < -1:
        return "unknown"
    return "none" if first_error == -1 else str(first_error + 1)


RATING_WORDS = {-1: "bad", 0: "okay", 1: "great"}
RATING_SIGNS = {-1: "−", 0: "0", 1: "+"}


@register.filter
def rating_word(rating: int | None) -> str:
    return RATING_WORDS.get(rating, DASH) if rating is not None else DASH


@register.filter
def ratings_line(steps: Sequence[dict[str, object]] | None) -> str:
    """The ratings of a stored submission as signs: + + 0 −."""
    if not isinstance(steps, Sequence):
        return DASH
    signs = ("?" if step.get("unsure") else RATING_SIGNS.get(step.get("rating"), DASH) for step in steps)  # type: ignore[call-overload]
    return " ".join(signs) or DASH
