"""One text into steps. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

from apps.corpus.records import RowError

_NUMBERED = re.compile(
    r"^[ \t]*(?:step[ \t]+\d{1,3}[ \t]*[:.)]|\(?\d{1,3}[.):](?=[ \t]))", re.IGNORECASE | re.MULTILINE
)
_BLANK = re.compile(r"\n[ \t]*\n\s*")


def _by_newline(text: str, _: str | None) -> tuple[list[str], str]:
    return text.split("\n"), "\n"


def _by_blank_line(text: str, _: str | None) -> tuple[list[str], str]:
    return _BLANK.split(text), "\n\n"


def _by_number(text: str, _: str | None) -> tuple[list[str], str]:
    """A step begins at `Step 1:`, `1.`, `1)` or `(1)` at the start of a line; what stands before is a step too."""
    starts = [found.start() for found in _NUMBERED.finditer(text)]
    bounds = [0, *(start for start in starts if start), len(text)]
    return [text[one:two] for one, two in itertools.pairwise(bounds)], "\n"


def _by_separator(text: str, separator: str | None) -> tuple[list[str], str]:
    if not separator:
        raise RowError("separator", "name the separator to split at")
    return text.split(separator), separator


SPLITTERS: dict[str, Callable[[str, str | None], tuple[list[str], str]]] = {
    "newline": _by_newline,
    "blank_line": _by_blank_line,
    "numbered": _by_number,
    "separator": _by_separator,
}


def split_steps(text: str, method: str, separator: str | None = None) -> tuple[list[str], str]:
    """The steps that are not blank, without white space around them, and what joins them again.

    Raises RowError, field `split` or `separator`, for a method that there is not.
    """
    if method not in SPLITTERS:
        raise RowError("split", f"there is no way to split called {method!r}; there are {', '.join(SPLITTERS)}")
    parts, joint = SPLITTERS[method](text.replace("\r\n", "\n"), separator)
    return [step for part in parts if (step := part.strip())], joint
