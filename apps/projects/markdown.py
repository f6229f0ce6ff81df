"""Markdown to safe HTML, for guidelines and the docs.

The rules for formulas are not mdit-py-plugins' `dollarmath`: it reads a formula across a code span (``$5 and `$x` ``),
and allows spaces next to the dollar signs for all formulas or for none. The page typesets by the rule below.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

# Between dollar signs `_`, `*` and `\{` are mathematics. What is a formula follows pandoc's rule (no space inside, no
# digit after), so that "from $5 to *at most* $6" is prose; a backslash inside overrules it, as on the page. What is longer
# is not typeset there either (`MAX_FORMULA_LENGTH` in static/js/shared/formulas.js); here the bound keeps the search short.
_FORMULA = re.compile(
    r"""
      \$\$(?!\$) (?:\\.|[^\\$`]|\$(?!\$)){1,2000} \$\$
    | \$(?![\s$]) (?:\\.|[^\\$`]){1,2000} (?<!\s)\$(?!\d)
    | \$(?!\$) (?=[^\\$`]{0,2000}\\) (?:\\.|[^\\$`]){1,2000} \$
    """,
    re.VERBOSE | re.DOTALL,
)


def _formula(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 - markdown-it calls it so
    """A formula is plain text: the page typesets it."""
    found = _FORMULA.match(state.src, state.pos) if state.src[state.pos] == "$" else None
    if found is None:
        return False
    if not silent:
        state.push("text", "", 0).content = found[0]
    state.pos = found.end()
    return True


def _formula_block(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
    """From a line that opens `$$` to the line that closes it: a line in between that begins with `+` is not a list."""
    first = _line(state, start)
    if state.is_code_block(start) or not first.startswith("$$") or "$" in first[2:]:
        return False  # One that closes on its line is within a paragraph: the inline rule's.
    last = start + 1
    while last < end and not state.isEmpty(last) and state.sCount[last] >= state.blkIndent:
        if "$$" in (line := _line(state, last)):
            break
        last += 1
    else:
        return False
    if line.index("$$") != len(line) - 2:
        return False
    if not silent:
        state.push("paragraph_open", "p", 1).map = [start, last + 1]
        inline = state.push("inline", "", 0)
        inline.content = state.getLines(start, last + 1, state.blkIndent, False).strip()  # noqa: FBT003
        inline.map, inline.children = [start, last + 1], []
        state.push("paragraph_close", "p", -1)
        state.line = last + 1
    return True


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]].rstrip()


# The language of a block of code is a class, by which the page highlights it.
_ATTRIBUTES = {**nh3.ALLOWED_ATTRIBUTES, "code": {"class"}}
_LANGUAGE = re.compile(r"language-[\w+#.-]{1,40}")
_MARKDOWN = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_MARKDOWN.inline.ruler.before("escape", "formula", _formula)
_MARKDOWN.block.ruler.before(
    "fence", "formula", _formula_block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
)


# Of the docs alone: headings that can be linked to, and tables that can be scrolled by keyboard.
_WITH_ANCHORS = {
    **_ATTRIBUTES,
    **{f"h{level}": {"id"} for level in range(1, 7)},
    "table": nh3.ALLOWED_ATTRIBUTES["table"] | {"tabindex"},
}


def to_html(text: str) -> SafeString:
    """Render Markdown. Raw HTML in it is shown as text, and the output is sanitized again."""
    return mark_safe(_clean(_MARKDOWN.render(text), _ATTRIBUTES))  # noqa: S308 - nh3 has cleaned it


def _clean(html: str, attributes: dict[str, set[str]]) -> str:
    return nh3.clean(html, attributes=attributes, attribute_filter=_languages_only)


def _languages_only(_tag: str, attribute: str, value: str) -> str | None:
    return None if attribute == "class" and not _LANGUAGE.fullmatch(value) else value


def tokens_of(text: str) -> list[Token]:
    """The parsed text, for pages that change headings and links before `html_of` renders it."""
    return _MARKDOWN.parse(text)


def html_of(tokens: Sequence[Token]) -> SafeString:
    """Render tokens; headings keep their `id`. Only for text that we wrote: an id of a stranger could stand in for ours."""
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    return mark_safe(_clean(html, _WITH_ANCHORS))  # noqa: S308 - nh3 has cleaned it
