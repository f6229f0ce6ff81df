"""What stands in a cell of a quality table."""

from __future__ import annotations

from django import template

from apps.dashboard.quality import Cell

register = template.Library()


@register.filter
def is_measured(value: object) -> bool:
    return isinstance(value, Cell)


@register.filter
def is_number(value: object) -> bool:
    return isinstance(value, int | float)


@register.filter
def plain(value: float) -> str:
    """12345 is 12,345 and 0.123 is 0.12."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"
