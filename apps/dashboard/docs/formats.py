"""What the page of an export format shows, from its declaration: columns, example rows, options, readers."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from django.utils.safestring import SafeString

from apps.dashboard.docs.documents import Doc, doc_of
from apps.dashboard.exports.policy_keys import POLICY_KEYS, PolicyKey
from apps.exports.description.example import EXAMPLE_POLICY, example_rows
from apps.exports.formats import FORMATS
from apps.exports.formats.base import GROUPS, Format, Reader
from apps.projects.markdown import to_html

SHOWN_ROWS = 2


@dataclass(frozen=True, slots=True)
class FormatPage:
    format: Format

    @property
    def readers(self) -> list[tuple[Reader, SafeString]]:
        return [(reader, to_html(reader.usage)) for reader in self.format.readers]

    @property
    def columns(self) -> list[tuple[str, str]]:
        return [(field.name, str(field.type)) for field in self.format.schema(EXAMPLE_POLICY)]

    @property
    def rows(self) -> list[str]:
        rows = example_rows(self.format)[:SHOWN_ROWS]
        return [msgspec.json.format(msgspec.json.encode(row), indent=2).decode() for row in rows]

    @property
    def options(self) -> list[tuple[str, PolicyKey]]:
        """The keys of the label policy that this format uses."""
        return [(name, key) for name, key in POLICY_KEYS.items() if self.format.name in key.formats]


def formats_by_group() -> list[tuple[str, list[Format]]]:
    return [(group, [format_ for format_ in FORMATS.values() if format_.group == group]) for group in GROUPS]


def format_page(name: str) -> FormatPage | None:
    return FormatPage(FORMATS[name]) if name in FORMATS else None


def mentions(name: str) -> list[tuple[Doc, str, str]]:
    """The sections on formats and trainers that name the format: page, title and URL."""
    docs = [doc for page in ("export-formats", "trainers") if (doc := doc_of(page))]
    return [
        (doc, section.title, f"{doc.url}#{section.anchor}")
        for doc in docs
        for section in doc.sections
        if section.level > 1 and name in section.text.split()
    ]
