"""Splits one text into steps, but never within a formula, a table or code. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from apps.corpus.records import RowError
from apps.corpus.splitting.step_heads import find_step_heads
from apps.corpus.splitting.text_blocks import Blocks, find_blocks

_NEWLINE = re.compile(r"\n")
_BLANK = re.compile(r"\n[ \t]*\n\s*")
# A separator with one of these splits blocks itself and cannot respect them.
_OPENERS = ("$", "\\[", "\\(", "\\begin", "```", "~~~", "|")


def _outside(blocks: Blocks, pattern: re.Pattern[str], text: str) -> list[str]:
    """The parts of the text between the matches that are in no block."""
    cuts = [match.span() for match in pattern.finditer(text) if not blocks.hold(*match.span())]
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(text)]
    return [text[start:end] for start, end in zip(starts, ends, strict=True)]


def split_by_number(text: str, _: str | None) -> tuple[list[str], str]:
    """A step begins at its head (see `step_heads`); the text before the first head is a step too."""
    bounds = [0, *(start for start in find_step_heads(text) if start), len(text)]
    return [text[start:end] for start, end in itertools.pairwise(bounds)], "\n"


def split_by_separator(text: str, separator: str | None) -> tuple[list[str], str]:
    if not separator:
        raise RowError("separator", "is required with the split `separator`")
    blocks = Blocks() if any(opener in separator for opener in _OPENERS) else find_blocks(text)
    return _outside(blocks, re.compile(re.escape(separator)), text), separator


SPLITTERS: dict[str, Callable[[str, str | None], tuple[list[str], str]]] = {
    "newline": lambda text, _: (_outside(find_blocks(text), _NEWLINE, text), "\n"),
    "blank_line": lambda text, _: (_outside(find_blocks(text), _BLANK, text), "\n\n"),
    "numbered": split_by_number,
    "separator": split_by_separator,
}


def split_steps(text: str, method: str, separator: str | None = None) -> tuple[list[str], str]:
    """The steps that are not blank, without white space around them, and the separator that joins them again.

    Raises RowError, field `split` or `separator`, for an unknown method or a missing separator.
    """
    if method not in SPLITTERS:
        raise RowError("split", f"expected one of {', '.join(SPLITTERS)}, found {method!r}")
    parts, joint = SPLITTERS[method](text.replace("\r\n", "\n"), separator)
    return [step for part in parts if (step := part.strip())], joint


def has_step_heads(text: str) -> bool:
    return bool(find_step_heads(text))


def unclosed_note(text: str) -> str | None:
    """What opens in the text and never closes, and was therefore split; None where everything closes."""
    unclosed = find_blocks(text.replace("\r\n", "\n")).unclosed
    return f"split within an unclosed {' and an unclosed '.join(unclosed)}" if unclosed else None
