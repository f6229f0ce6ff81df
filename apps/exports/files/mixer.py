"""Rows of two classes, evenly mixed in one file, so that every batch that is read in order has both."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Self

import numpy as np
import polars as pl
import pyarrow as pa

from apps.exports.files.writers import PartWriter, Rows, table_of

MOST_AT_ONCE = 4000  # Rows that are put in order at once.
MOST_IN_MEMORY = 32 * 1024 * 1024  # Bytes of the rows of a class that wait there.


@dataclass(frozen=True, slots=True)
class Mix:
    """How many rows are true, and how many false."""

    true: int
    false: int

    def order(self, start: int) -> np.ndarray:
        """Which rows from this place on are true, as evenly as possible; at most MOST_AT_ONCE."""
        total = self.true + self.false
        places = np.arange(start, min(start + MOST_AT_ONCE, total))
        return np.asarray((places + 1) * self.true // max(1, total) > places * self.true // max(1, total))


class Mixer:
    """Takes rows as they come and returns them mixed by a boolean column.

    `expected` says how many there will be of each class, where that is known in advance: then most rows need not wait for
    the last. If other numbers come, the order is even up to the first row that is missing, and in the rest again.
    """

    def __init__(
        self, column: str, columns: pa.Schema, expected: Mix | None = None, folder: Path | None = None
    ) -> None:
        self._column, self._columns = column, columns
        self._expected, self._place = expected or Mix(0, 0), 0
        self._true, self._false = (_Waiting(folder, pl.Schema(columns)) for _ in range(2))

    def add(self, rows: Rows) -> list[pl.DataFrame]:
        """Return the rows whose turn it is now, in order. Raises ValueError for a row that is in no class."""
        frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(table_of(rows, self._columns))
        frame = frame.select(self._columns.names)
        if nulls := frame[self._column].null_count():
            raise ValueError(f"the column {self._column} has {nulls} nulls")
        self._true.write(frame.filter(self._column))
        self._false.write(frame.filter(~pl.col(self._column)))
        frames = list(self._in_order(self._expected, self._place))
        self._place += sum(map(len, frames))
        return frames

    def rest(self) -> Iterator[pl.DataFrame]:
        """Yield the rows that still wait."""
        return self._in_order(Mix(self._true.count, self._false.count), 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for waiting in (self._true, self._false):
            waiting.close()

    def _in_order(self, mix: Mix, place: int) -> Iterator[pl.DataFrame]:
        """Yield the rows of the mix from this place on, up to the first that is not there yet."""
        while len(order := mix.order(place)):
            is_there = (np.cumsum(order) <= self._true.count) & (np.cumsum(~order) <= self._false.count)
            is_true = order[: int(is_there.sum())]
            if len(is_true):
                both = pl.concat([self._true.take(int(is_true.sum())), self._false.take(int((~is_true).sum()))])
                # By place, the number of the row in `both`, which has all true rows first.
                numbers = np.where(is_true, np.cumsum(is_true) - 1, is_true.sum() + np.cumsum(~is_true) - 1)
                yield both[numbers]
            place += len(is_true)
            if len(is_true) < len(order):
                return


class MixedWriter:
    """A writer whose rows are mixed."""

    def __init__(self, writer: PartWriter, mixer: Mixer) -> None:
        self._writer, self._mixer = writer, mixer

    def write(self, rows: Rows) -> None:
        for frame in self._mixer.add(rows):
            self._writer.write(frame)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._mixer:
            if kind is None:
                for frame in self._mixer.rest():
                    self._writer.write(frame)


class _Waiting:
    """A queue of rows: the first in memory, and what is more in a temporary file."""

    def __init__(self, folder: Path | None, columns: pl.Schema) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - see `close`
        self._pieces: deque[pl.DataFrame | _Stored] = deque()
        self._in_memory = 0
        self._next = pl.DataFrame(schema=columns)
        self.count = 0

    def write(self, rows: pl.DataFrame) -> None:
        self.count += len(rows)
        size = int(rows.estimated_size())
        fits = self._in_memory + size <= MOST_IN_MEMORY
        self._pieces.append(rows if fits else self._store(rows))
        self._in_memory += size if fits else 0

    def _store(self, rows: pl.DataFrame) -> _Stored:
        start = self._file.seek(0, os.SEEK_END)
        rows.write_ipc_stream(self._file)
        return _Stored(start, self._file.tell() - start)

    def take(self, count: int) -> pl.DataFrame:
        """The next rows, of which there are at least so many."""
        frames = [self._next]
        while sum(map(len, frames)) < count:
            frames.append(self._next_piece())
        rows = pl.concat(frames)
        self._next, self.count = rows[count:], self.count - count
        return rows[:count]

    def _next_piece(self) -> pl.DataFrame:
        piece = self._pieces.popleft()
        if isinstance(piece, pl.DataFrame):
            self._in_memory -= int(piece.estimated_size())
            return piece
        self._file.seek(piece.start)
        return pl.read_ipc_stream(self._file.read(piece.size))

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class _Stored:
    """Rows in a file: their first byte, and how many bytes they are."""

    start: int
    size: int
