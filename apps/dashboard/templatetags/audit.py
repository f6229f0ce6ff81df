"""The state before or after an audit event, as text."""

from __future__ import annotations

import json

from django import template

register = template.Library()

LONGEST = 300


@register.filter
def event_text(value: object) -> str:
    """Flat objects as text and others as JSON, shortened; the download has everything."""
    if value is None:
        return ""
    if isinstance(value, dict) and not any(isinstance(entry, dict | list) for entry in value.values()):
        text = ", ".join(f"{name.replace('_', ' ')}: {_plain(entry)}" for name, entry in value.items())
    else:
        text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _plain(value: object) -> str:
    if value is None:
        return "none"
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)
