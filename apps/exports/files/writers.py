"""Writers of rows: JSON Lines, gzip, zstd, Parquet. Pure.

The same rows give the same bytes: a file holds no time, file name or machine. It gets its name when it is complete.
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from apps.core.zstd import ZstdFile

CONTAINERS = ("jsonl", "jsonl.gz", "jsonl.zst", "parquet")
ROW_GROUP = 2000  # Rows in memory at once.

Row = dict[str, Any]
Rows = Sequence[Row] | pl.DataFrame


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

    def write(self, rows: Rows) -> None:
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


def lines_of(rows: Rows) -> bytes:
    """The rows as JSON, each on a line."""
    if isinstance(rows, pl.DataFrame):
        lines = io.BytesIO()
        rows.write_ndjson(lines)
        return lines.getvalue()
    encode = msgspec.json.encode
    return b"".join([encode(row) + b"\n" for row in rows])


class _Lines:
    def __init__(self, file: _Hashed, container: str) -> None:
        if container == "jsonl.gz":
            self._out: Any = gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=file, mtime=0)
        elif container == "jsonl.zst":
            self._out = ZstdFile(file, "w", level=6)
        else:
            self._out = None
        self._file = file

    def write(self, rows: Rows) -> None:
        (self._out or self._file).write(lines_of(rows))

    def close(self) -> None:
        if self._out is not None:
            self._out.close()


class _Columns:
    """Row groups of the same size, however the rows come."""

    def __init__(self, file: _Hashed, columns: pa.Schema) -> None:
        self._writer = pq.ParquetWriter(pa.PythonFile(file, mode="w"), columns, compression="zstd")
        self._waiting = columns.empty_table()

    def write(self, rows: Rows) -> None:
        waiting = pa.concat_tables([self._waiting, table_of(rows, self._waiting.schema)])
        full_groups = len(waiting) - len(waiting) % ROW_GROUP
        if full_groups:
            self._writer.write_table(waiting[:full_groups].combine_chunks(), row_group_size=ROW_GROUP)
        self._waiting = waiting[full_groups:]

    def close(self) -> None:
        if len(self._waiting):
            self._writer.write_table(self._waiting.combine_chunks())
        self._writer.close()


def table_of(rows: Rows, columns: pa.Schema) -> pa.Table:
    """The rows with exactly these columns."""
    if isinstance(rows, pl.DataFrame):
        return rows.to_arrow(compat_level=pl.CompatLevel.oldest()).select(columns.names).cast(columns)
    return pa.Table.from_pylist(list(rows), schema=columns)
