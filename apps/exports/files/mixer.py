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
import pyarrow.compute as pc

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
        self._true, self._false = (_Waiting(folder, columns) for _ in range(2))

    def add(self, rows: Rows) -> list[pl.DataFrame]:
        """Return the rows whose turn it is now, in order. Raises ValueError for a row that is in no class."""
        table = table_of(rows, self._columns)
        is_true = table[self._column].combine_chunks()
        if is_true.null_count:
            raise ValueError(f"the column {self._column} has {is_true.null_count} nulls")
        self._true.write(table.filter(is_true))
        self._false.write(table.filter(pc.invert(is_true)))
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

    def __init__(self, folder: Path | None, columns: pa.Schema) -> None:
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115 - see `close`
        self._columns = columns
        self._pieces: deque[pa.RecordBatch | _Stored] = deque()
        self._in_memory = 0
        self._next = pl.DataFrame(schema=pl.Schema(columns))
        self.count = 0

    def write(self, table: pa.Table) -> None:
        for batch in table.combine_chunks().to_batches():
            self.count += len(batch)
            fits = self._in_memory + batch.nbytes <= MOST_IN_MEMORY
            self._pieces.append(batch if fits else self._store(batch))
            self._in_memory += batch.nbytes if fits else 0

    def _store(self, batch: pa.RecordBatch) -> _Stored:
        content = batch.serialize()
        stored = _Stored(self._file.seek(0, os.SEEK_END), content.size)
        self._file.write(content)
        return stored

    def take(self, count: int) -> pl.DataFrame:
        """The next rows, of which there are at least so many."""
        frames = [self._next]
        while sum(map(len, frames)) < count:
            frame = pl.from_arrow(pa.Table.from_batches([self._next_piece()]))
            assert isinstance(frame, pl.DataFrame)
            frames.append(frame)
        rows = pl.concat(frames)
        self._next, self.count = rows[count:], self.count - count
        return rows[:count]

    def _next_piece(self) -> pa.RecordBatch:
        piece = self._pieces.popleft()
        if isinstance(piece, pa.RecordBatch):
            self._in_memory -= piece.nbytes
            return piece
        self._file.seek(piece.start)
        return pa.ipc.read_record_batch(pa.py_buffer(self._file.read(piece.size)), self._columns)

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True, slots=True)
class _Stored:
    """Rows in a file: their first byte, and how many bytes they are."""

    start: int
    size: int
