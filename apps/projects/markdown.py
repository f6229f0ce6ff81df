"""Markdown to safe HTML, for guidelines."""

from __future__ import annotations

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def to_html(text: str) -> SafeString:
    """Render Markdown. Raw HTML in it is shown as text, and what comes out is cleaned once more."""
    return mark_safe(nh3.clean(_MARKDOWN.render(text)))  # noqa: S308 - nh3 has cleaned it
