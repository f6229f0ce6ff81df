"""Search over the sections of the docs: all words of the query, in any order and case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.dashboard.docs.documents import Doc, DocSection

LONGEST_QUERY = 200
SHOWN = 30
EXCERPT = 240


@dataclass(frozen=True, slots=True)
class Hit:
    doc: Doc
    section: DocSection
    excerpt: SafeString

    @property
    def url(self) -> str:
        return f"{self.doc.url}#{self.section.anchor}" if self.section.level > 1 else self.doc.url


def search(docs: Sequence[Doc], query: str) -> list[Hit]:
    """The sections that hold every word, those with the words in their heading first."""
    words = query[:LONGEST_QUERY].lower().split()
    if not words:
        return []
    hits = []
    for doc in docs:
        for section in doc.sections:
            title, text = section.title.lower(), section.text.lower()
            if all(word in title or word in text for word in words):
                in_title = sum(word in title for word in words)
                rank = (-in_title, doc.name.startswith("decisions"), -sum(text.count(word) for word in words))
                hits.append((rank, Hit(doc, section, _excerpt(section.text, words))))
    return [hit for _, hit in sorted(hits, key=lambda ranked: ranked[0])]


def _excerpt(text: str, words: Sequence[str]) -> SafeString:
    """Some text around the first word, with the words marked."""
    flat = " ".join(text.split())
    lowered = flat.lower()
    # Lowering may change the length of a text; then no place in it is known.
    places = [lowered.find(word) for word in words if word in lowered] if len(lowered) == len(flat) else []
    start = max(0, min(places, default=0) - EXCERPT // 3)
    start = flat.rfind(" ", 0, start) + 1 if start else 0
    part = flat[start : start + EXCERPT]
    marked = _marked(part, words) if places else escape(part)
    return format_html("{}{}{}", "… " if start else "", marked, " …" if start + EXCERPT < len(flat) else "")


def _marked(text: str, words: Sequence[str]) -> SafeString:
    lowered, parts, place = text.lower(), list[str](), 0
    if len(lowered) != len(text):
        return escape(text)
    while True:
        found = min(((at, word) for word in words if (at := lowered.find(word, place)) >= 0), default=None)
        if found is None:
            return mark_safe("".join([*parts, escape(text[place:])]))  # noqa: S308 - each part is escaped
        at, word = found
        end = at + len(word)
        parts += [escape(text[place:at]), format_html("<mark>{}</mark>", text[at:end])]
        place = end
