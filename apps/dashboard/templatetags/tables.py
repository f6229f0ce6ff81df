"""The cells of a quality table as text."""

from __future__ import annotations

from django import template

from apps.dashboard.quality.tables import Cell, Share
from apps.dashboard.templatetags.numbers import share

register = template.Library()


@register.filter
def is_measured(value: object) -> bool:
    return isinstance(value, Cell)


@register.filter
def is_number(value: object) -> bool:
    return isinstance(value, int | float)


@register.filter
def is_text(value: object) -> bool:
    return isinstance(value, str)


@register.filter
def measured(cell: Cell) -> str:
    """A share is 59 %, a coefficient 0.45; a dash where it is unknown or rests on too few solutions."""
    if cell.value is None or not cell.is_shown:
        return share(None)
    return share(cell.value) if cell.is_share else f"{cell.value:.2f}"


@register.filter
def interval(cell: Cell) -> str:
    """47 to 73 %, or 0.32 to 0.57; empty where there is none, or no figure is shown."""
    if cell.low is None or cell.high is None or not cell.is_shown:
        return ""
    return f"{100 * cell.low:.0f} to {share(cell.high)}" if cell.is_share else f"{cell.low:.2f} to {cell.high:.2f}"


@register.filter
def plain(value: float) -> str:
    """12345 is 12,345, a share 12 %, and 0.123 is 0.12."""
    if isinstance(value, Share):
        return share(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
