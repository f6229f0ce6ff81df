"""How long a row is for a trainer: trainers cut or drop long rows without a message. Pure.

A trainer makes one text of some columns. Of two sides, the longer one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHARACTERS_PER_TOKEN = 4
TOKEN_LIMITS = (1024, 4096)

# The columns that make one text. The first entry whose columns the row has applies; the last of its columns are sides.
_TEXTS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (("prompt",), ("chosen", "rejected")),
    (("prompt", "completion"), ()),
    (("prompt", "completions"), ()),
    ((), ("messages", "rejected_messages")),
    (("conversations",), ("chosen", "rejected")),
    (("messages",), ()),
    (("input",), ()),
    (("problem", "steps"), ()),
    (("problem", "solution"), ()),
    (("prompt",), ()),
)


def row_length(row: Mapping[str, Any]) -> int:
    """The characters of the longest text that a trainer makes of the row."""
    for columns, sides in _TEXTS:
        if all(name in row for name in (*columns, *sides)):
            common = sum(_length(row[name]) for name in columns)
            return common + max((_length(row[name]) for name in sides), default=0)
    return _length(row)


def tokens(characters: int) -> int:
    """The tokens of that many characters, rounded up."""
    return -(-characters // CHARACTERS_PER_TOKEN)


def _length(value: Any) -> int:
    """The characters of all texts within the value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return sum(map(_length, value.values()))
    return sum(map(_length, value)) if isinstance(value, list | tuple) else 0
