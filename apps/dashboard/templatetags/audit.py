"""What an event says, in a cell."""

from __future__ import annotations

import json

from django import template

register = template.Library()

LONGEST = 300


@register.filter
def told(value: object) -> str:
    """Plain words for a few keys, JSON for the rest, cut where it would fill the page: the file has all of it."""
    if value is None:
        return ""
    if isinstance(value, dict) and all(not isinstance(one, dict | list) for one in value.values()):
        text = ", ".join(f"{name.replace('_', ' ')}: {_plain(one)}" for name, one in value.items())
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _plain(value: object) -> str:
    if value is None:
        return "none"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
