"""The Markdown files of docs/ as pages: titles, sections, anchors, and links between them.

A page is looked up among the files that exist: no part of a URL is ever joined to a path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString
from markdown_it.token import Token

from apps.projects.markdown import html_of, tokens_of

# The order of the start page. Pages that are in no group follow at its end.
GROUPS = (
    ("Start", ("tutorial", "labeling-guide", "reviewing", "glossary")),
    ("Data and exports", ("export-formats", "trainers", "lineage", "verifiers")),
    ("Models", ("estimation", "scoring", "judging", "evaluation", "loop", "reasoner")),
    ("Quality", ("quality",)),
    ("Operation and development", ("settings", "api", "architecture", "patterns", "performance", "known-gaps")),
)
REST = "More"
DECISIONS = "decisions/"
_NOT_IN_ANCHORS = re.compile(r"[^\w\- ]")


@dataclass(frozen=True, slots=True)
class DocSection:
    """A heading with the text below it, up to the next heading."""

    anchor: str
    title: str
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class Doc:
    name: str
    title: str
    html: SafeString
    sections: Sequence[DocSection]

    @property
    def url(self) -> str:
        return url_of(self.name)

    @property
    def contents(self) -> list[DocSection]:
        """The headings of a table of contents."""
        return [section for section in self.sections if section.level in (2, 3)]

    @property
    def about(self) -> str:
        """The beginning of its first text."""
        return next((section.text for section in self.sections if section.text), "").partition("\n")[0]


def files() -> dict[str, Path]:
    """By name, all files that are pages."""
    root: Path = settings.DOCS_ROOT
    names = {path.stem: path for path in sorted(root.glob("*.md"))}
    decisions = {f"{DECISIONS}{path.stem}": path for path in sorted((root / "decisions").glob("0*.md"))}
    model = root.parent / "reasoner" / "README.md"
    others = {"decisions": root / "decisions" / "README.md", "reasoner": model}
    return names | decisions | {name: path for name, path in others.items() if path.is_file()}


def images() -> dict[str, Path]:
    return {path.name: path for path in (settings.DOCS_ROOT / "images").glob("*") if path.is_file()}


def doc_of(name: str) -> Doc | None:
    path = files().get(name)
    return None if path is None else _read(name, path, path.stat().st_mtime_ns)


def groups() -> list[tuple[str, list[Doc]]]:
    """All pages but the decisions, which have a list of their own."""
    names = [name for name in files() if not name.startswith("decisions")]
    grouped = {name for _, members in GROUPS for name in members}
    rest = (REST, tuple(name for name in names if name not in grouped))
    found = [(title, [doc for name in members if (doc := doc_of(name))]) for title, members in (*GROUPS, rest)]
    return [(title, docs) for title, docs in found if docs]


def all_docs() -> list[Doc]:
    return [doc for name in files() if (doc := doc_of(name))]


def url_of(name: str) -> str:
    if name == "decisions":
        return reverse("docs-decisions")
    if name.startswith(DECISIONS):
        return reverse("docs-decision", args=[name.removeprefix(DECISIONS)])
    return reverse("docs-page", args=[name])


@lru_cache(maxsize=200)
def _read(name: str, path: Path, changed_at: int) -> Doc:
    tokens = tokens_of(path.read_text())
    sections = _with_anchors(tokens)
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            token.attrSet("tabindex", "0")
        if token.type == "th_open" and not tokens[place + 1].content:
            token.tag = tokens[place + 2].tag = "td"  # A heading without a text is none.
        if token.children:
            token.children = list(_with_links(token.children, path.parent))
    title = next((section.title for section in sections if section.title), name)
    return Doc(name, title, html_of(tokens), sections)


def _with_anchors(tokens: Sequence[Token]) -> list[DocSection]:
    """The sections. Gives each heading its id, as on GitHub: headings of one text are numbered."""
    sections: list[DocSection] = []
    anchor, title, level, texts, taken = "", "", 1, list[str](), dict[str, int]()
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            if title or texts:
                sections.append(DocSection(anchor, title, level, "\n".join(texts)))
            title, level, texts = _plain(tokens[place + 1]), int(token.tag[1:]), []
            anchor = _anchor(title, taken)
            token.attrSet("id", anchor)
        elif token.type in ("inline", "fence") and tokens[place - 1].type != "heading_open":
            texts.append(_plain(token))
    return [*sections, DocSection(anchor, title, level, "\n".join(texts))]


def _anchor(title: str, taken: dict[str, int]) -> str:
    anchor = _NOT_IN_ANCHORS.sub("", title.lower()).replace(" ", "-")
    count = taken.get(anchor, 0)
    taken[anchor] = count + 1
    return f"{anchor}-{count}" if count else anchor


def _plain(token: Token) -> str:
    parts = token.children or [token]
    return "".join(" " if part.type in ("softbreak", "hardbreak") else part.content for part in parts)


def _with_links(parts: Sequence[Token], folder: Path) -> Iterator[Token]:
    """Links and images by their URLs here. A link to a file that is no page stays as its text."""
    dropped = 0
    for part in parts:
        if part.type == "image":
            part.attrSet("src", reverse("docs-image", args=[Path(str(part.attrGet("src"))).name]))
        elif part.type == "link_open":
            url = _link(str(part.attrGet("href")), folder)
            if url is None:
                dropped += 1
                continue
            part.attrSet("href", url)
        elif part.type == "link_close" and dropped:
            dropped -= 1
            continue
        yield part


def _link(href: str, folder: Path) -> str | None:
    target, _, anchor = href.partition("#")
    if not target or ":" in target or target.startswith("/"):
        return href
    path = (folder / target).resolve()
    if path == (settings.DOCS_ROOT / "decisions").resolve():
        return reverse("docs-decisions")
    for name, known in files().items():
        if known.resolve() == path:
            return f"{url_of(name)}#{anchor}" if anchor else url_of(name)
    return None
