"""Finds the blocks of a text that are never split: formulas, environments, code fences, tables, single-item lists. Pure."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

Span = tuple[int, int]

_TOKEN = re.compile(
    r"""
      \\\\ | \\\$                                    # a line break of TeX, and an escaped dollar
    | \\(?P<open>[\[(]) | \\(?P<close>[\])])
    | \\begin\{(?P<begin>[^{}\n]{1,40})\} | \\end\{(?P<end>[^{}\n]{1,40})\}
    | (?P<display>\$\$) | (?P<dollar>\$)
    | ^[ \t]*(?P<fence>`{3,}|~{3,})(?P<info>[^`\n]*)$
    """,
    re.VERBOSE | re.MULTILINE,
)
_CLOSES = {"[": "]", "(": ")"}
_LOOKS_LIKE_MATH = re.compile(r"[\\^_=+<>{}*/]")
_LONGEST_INLINE = 400  # Characters of inline math that spans lines; two prices are further apart.
_TABLE_RULE = re.compile(r"^[ \t]*\|?[ \t]*:?-{2,}:?[ \t]*(?:\|[ \t]*:?-{2,}:?[ \t]*)*\|?[ \t]*$")
_ITEM = re.compile(r"[ \t]*(?:[-*+\u2022]|\(?\d{1,3}[.)])[ \t]+\S")
# These environments contain whole solutions and are split.
_TRANSPARENT = {"document", "proof", "solution"}


@dataclass(slots=True)
class Blocks:
    """The `spans` of blocks in their order; `unclosed` names what opens in the text and never closes."""

    spans: list[Span] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)

    def hold(self, start: int, end: int) -> bool:
        """Whether a cut from `start` to `end` is within a block."""
        place = bisect_left(self.spans, (start,)) - 1
        return place >= 0 and end < self.spans[place][1]


def find_blocks(text: str) -> Blocks:
    blocks = Blocks()
    _Scan(text, blocks).run()
    blocks.spans = _merged([*blocks.spans, *line_spans(text, Blocks(_merged(blocks.spans)))])
    return blocks


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


# --- formulas, environments and fences --------------------------------------------------------------------


class _Scan:
    """One pass over the tokens. The closing token is looked up in an index, which keeps the time linear."""

    def __init__(self, text: str, blocks: Blocks) -> None:
        self.text, self.blocks = text, blocks
        self.tokens = list(_TOKEN.finditer(text))
        self.places: defaultdict[str, list[int]] = defaultdict(list)
        for index, token in enumerate(self.tokens):
            if token.lastgroup is not None:
                self.places[self._kind(token)].append(index)
        self.ends = self._environment_ends()

    def run(self) -> None:
        index = 0
        while index < len(self.tokens):
            closing = self._closing(index)
            if closing is not None:
                self.blocks.spans.append((self.tokens[index].start(), self.tokens[closing].end()))
                index = closing
            index += 1

    @staticmethod
    def _kind(token: re.Match[str]) -> str:
        if token["fence"]:
            return token["fence"][0]
        return token["open"] or token["close"] or ("begin" if token["begin"] else "") or token[0]

    def _next(self, kind: str, index: int) -> int | None:
        places = self.places[kind]
        place = bisect_right(places, index)
        return places[place] if place < len(places) else None

    def _closing(self, index: int) -> int | None:
        """The index of the token that closes this one; None where it opens nothing, or nothing closes it."""
        token = self.tokens[index]
        if token["open"]:
            closing, reopening = self._next(_CLOSES[token["open"]], index), self._next(token["open"], index)
            is_broken = closing is None or (reopening is not None and reopening < closing)
            return self._noted(None if is_broken else closing, "formula")
        if token["begin"]:
            if token["begin"].rstrip("*") in _TRANSPARENT:
                return None
            return self._noted(self.ends.get(index), "environment")
        if token["display"]:
            return self._noted(self._next("$$", index), "formula")
        if token["fence"]:
            return self._noted(self._fence_end(index), "code fence")
        return self._inline_end(index) if token["dollar"] else None

    def _noted(self, closing: int | None, name: str) -> int | None:
        """The closing token; notes what has none."""
        if closing is None and name not in self.blocks.unclosed:
            self.blocks.unclosed.append(name)
        return closing

    def _environment_ends(self) -> dict[int, int]:
        ends: dict[int, int] = {}
        opened: defaultdict[str, list[int]] = defaultdict(list)
        for index, token in enumerate(self.tokens):
            if token["begin"]:
                opened[token["begin"]].append(index)
            elif token["end"] and opened[token["end"]]:
                ends[opened[token["end"]].pop()] = index
        return ends

    def _fence_end(self, index: int) -> int | None:
        fence = self.tokens[index]["fence"]
        closing = self._next(fence[0], index)
        while closing is not None:
            token = self.tokens[closing]
            if len(token["fence"]) >= len(fence) and not token["info"].strip():
                return closing
            closing = self._next(fence[0], closing)
        return None

    def _inline_end(self, index: int) -> int | None:
        """The dollar that closes inline math, by pandoc's rule: no space inside the dollars, no digit behind them."""
        start = self.tokens[index].end()
        if self.text[start : start + 1].isspace():
            return None
        closing = self._next("$", index)
        while closing is not None and self.tokens[closing].start() - start <= _LONGEST_INLINE:
            end = self.tokens[closing].start()
            inside = self.text[start:end]
            if "\n\n" in inside:
                return None
            if inside and not inside[-1].isspace() and not self.text[end + 1 : end + 2].isdigit():
                return closing if "\n" not in inside or _LOOKS_LIKE_MATH.search(inside) else None
            closing = self._next("$", closing)
        return None


# --- tables and lists -------------------------------------------------------------------------------------


def line_spans(text: str, blocks: Blocks) -> Iterator[Span]:
    """Tables, and a list of one item with the line that leads to it."""
    lines = _lines(text, blocks)
    index = 0
    while index < len(lines):
        last = table_end(text, lines, index)
        if last > index:
            yield lines[index][0], lines[last][1]
            index = last
        elif index and _is_only_item(text, lines, index):
            yield lines[index - 1][0], lines[index][1]
        index += 1


def _lines(text: str, blocks: Blocks) -> list[Span]:
    """The span of each line; the lines of one block are one line."""
    lines: list[Span] = []
    start = 0
    for end in re.finditer(r"\n|\Z", text):
        if end[0] and blocks.hold(end.start(), end.end()):
            continue
        lines.append((start, end.start()))
        start = end.end()
    return lines


def table_end(text: str, lines: list[Span], first: int) -> int:
    """The last line of the table that begins at `first`; `first` itself where none does."""
    has_edges = text[slice(*lines[first])].lstrip().startswith("|")
    rows: list[str] = []
    for line in lines[first:]:
        row = text[slice(*line)].strip()
        if not (row.startswith("|") if has_edges else "|" in row):
            break
        rows.append(row)
    is_ruled = len(rows) > 1 and _TABLE_RULE.match(rows[1]) is not None
    is_table = is_ruled or (len(rows) > 1 and has_edges and all(row.endswith("|") for row in rows))
    return first + len(rows) - 1 if is_table else first


def _is_only_item(text: str, lines: list[Span], index: int) -> bool:
    before, line = text[slice(*lines[index - 1])], text[slice(*lines[index])]
    after = text[slice(*lines[index + 1])] if index + 1 < len(lines) else ""
    leads = before.rstrip().endswith((":", "\uff1a")) and not _ITEM.match(before)
    return leads and _ITEM.match(line) is not None and not _ITEM.match(after)
