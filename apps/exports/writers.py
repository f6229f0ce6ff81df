"""Writers of rows: JSON Lines, gzip, zstd, Parquet. Pure.

The same rows give the same bytes: a file holds no time, file name or machine. It gets its name when it is complete.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any, Protocol, Self

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from apps.core.zstd import ZstdFile

CONTAINERS = ("jsonl", "jsonl.gz", "jsonl.zst", "parquet")
ROW_GROUP = 2000  # Rows in memory at once.

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """A finished file."""

    name: str
    rows: int
    bytes: int
    sha256: str


class _Hashed(io.RawIOBase):
    """A file that keeps the SHA-256 and the size of what is written to it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self.sha256 = hashlib.sha256()
        self.size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        written = self._file.write(data)
        self.sha256.update(data)
        self.size += written
        return written

    def tell(self) -> int:
        return self.size

    def close(self) -> None:
        self._file.close()
        super().close()


class PartWriter:
    """Writes one part. An error inside the context leaves no file."""

    def __init__(self, path: Path, container: str, columns: pa.Schema) -> None:
        self._path, self._draft = path, path.with_name(f".{path.name}.part")
        self._file = _Hashed(self._draft)
        self._rows: _Lines | _Columns = (
            _Columns(self._file, columns) if container == "parquet" else _Lines(self._file, container)
        )
        self.rows = 0

    def write(self, rows: Sequence[Row]) -> None:
        self._rows.write(rows)
        self.rows += len(rows)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._rows.close()
            self._file.close()
            self._draft.rename(self._path)
        else:
            self._file.close()
            self._draft.unlink(missing_ok=True)

    def part(self) -> Part:
        return Part(self._path.name, self.rows, self._file.size, self._file.sha256.hexdigest())


class RowSink(Protocol):
    """Takes rows in order."""

    def write(self, rows: Sequence[Row]) -> None: ...


class MixedWriter:
    """Writes rows of two classes evenly mixed, so that every batch read in order has both.

    The rows are buffered in temporary files: the size of each class is known only at the end.
    """

    def __init__(self, writer: RowSink, column: str, folder: Path | str) -> None:
        self._writer, self._column = writer, column
        self._waiting = {value: TemporaryFile(dir=folder) for value in (True, False)}  # noqa: SIM115 - see __exit__
        self._counts = {True: 0, False: 0}

    def write(self, rows: Sequence[Row]) -> None:
        for row in rows:
            value = bool(row[self._column])
            self._waiting[value].write(msgspec.json.encode(row) + b"\n")
            self._counts[value] += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            rows = self._mixed()
            while batch := list(islice(rows, ROW_GROUP)):
                self._writer.write(batch)
        for file in self._waiting.values():
            file.close()

    def _mixed(self) -> Iterator[Row]:
        for file in self._waiting.values():
            file.seek(0)
        true, total = self._counts[True], sum(self._counts.values())
        for place in range(total):
            value = (place + 1) * true // total > place * true // total
            yield msgspec.json.decode(self._waiting[value].readline())


class _Lines:
    def __init__(self, file: _Hashed, container: str) -> None:
        self._encoder = msgspec.json.Encoder()
        if container == "jsonl.gz":
            self._out: Any = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0)
        elif container == "jsonl.zst":
            self._out = ZstdFile(file, "w", level=6)
        else:
            self._out = None
        self._file = file

    def write(self, rows: Sequence[Row]) -> None:
        encode = self._encoder.encode
        data = b"".join([encode(row) + b"\n" for row in rows])
        (self._out or self._file).write(data)

    def close(self) -> None:
        if self._out is not None:
            self._out.close()


class _Columns:
    def __init__(self, file: _Hashed, columns: pa.Schema) -> None:
        self._columns = columns
        self._writer = pq.ParquetWriter(pa.PythonFile(file, mode="w"), columns, compression="zstd")
        self._waiting: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        self._waiting.extend(rows)
        while len(self._waiting) >= ROW_GROUP:
            self._flush(self._waiting[:ROW_GROUP])
            del self._waiting[:ROW_GROUP]

    def close(self) -> None:
        if self._waiting:
            self._flush(self._waiting)
        self._writer.close()

    def _flush(self, rows: Iterable[Row]) -> None:
        self._writer.write_table(pa.Table.from_pylist(list(rows), schema=self._columns))
