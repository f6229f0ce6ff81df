"""How long a row is for a trainer: trainers cut or drop long rows without a message. Pure.

A trainer makes one text of some columns. Of two sides, the longer one counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

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


def frame_tokens(frame: pl.DataFrame) -> np.ndarray:
    """The tokens of each row of a frame, as `tokens` and `row_length` count them."""
    for columns, sides in _TEXTS:
        if all(name in frame.columns for name in (*columns, *sides)):
            lengths = sum((_lengths(frame[name]) for name in columns), start=np.zeros(len(frame), dtype=np.int64))
            of_sides = [_lengths(frame[name]) for name in sides]
            characters: np.ndarray = lengths + (np.max(of_sides, axis=0) if of_sides else 0)
            return -(-characters // CHARACTERS_PER_TOKEN)
    return -(
        -sum((_lengths(column) for column in frame), start=np.zeros(len(frame), dtype=np.int64)) // CHARACTERS_PER_TOKEN
    )


def _lengths(values: pl.Series) -> np.ndarray:
    """By row, the characters of all texts within the values."""
    zero = np.zeros(len(values), dtype=np.int64)
    if isinstance(values.dtype, pl.Struct):
        return sum((_lengths(field) for field in values.struct.unnest()), start=zero)
    if isinstance(values.dtype, pl.List):
        ends = np.cumsum(values.list.len().fill_null(0).to_numpy().astype(np.int64))
        inner = values.filter(values.list.len() > 0).explode()
        sums = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(_lengths(inner))])
        lengths: np.ndarray = np.diff(sums[np.concatenate([np.zeros(1, dtype=np.int64), ends])])
        return lengths
    return values.str.len_chars().fill_null(0).to_numpy().astype(np.int64) if values.dtype == pl.String else zero
