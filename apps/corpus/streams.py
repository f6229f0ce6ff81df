"""Files as rows: JSON Lines, a JSON array or Parquet, plain, gzipped or zstd, one row in memory at a time. Pure.

Whatever is wrong with a row is told with the row; whatever is wrong with the file ends it with one
more row that says so. Nothing here raises for what a file holds.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from apps.core.zstd import ZstdError, ZstdFile
from apps.corpus.records import RowError

LINE_LIMIT = 4 * 1024**2  # Bytes. No solution is so long; a file without line ends is.
ARRAY_LIMIT = 256 * 1024**2  # Bytes. A JSON array has to be read whole.

_BOM = b"\xef\xbb\xbf"
_DAMAGED = (EOFError, OSError, zlib.error, ZstdError, pa.ArrowException)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its line number from 1 (in Parquet and arrays: its own number), and its content or its error.

    `position` is how many bytes of the file, as it lies on disk, have been read.
    """

    number: int
    position: int
    row: dict[str, Any] = field(default_factory=dict)
    error: RowError | None = None


def read_rows(path: Path, *, limit: int = LINE_LIMIT) -> Iterator[Line]:
    """Every row of the file that is not blank. Only a file that cannot be opened raises (OSError)."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if head == b"PAR1":
            yield from _parquet_rows(path)
            return
        stream = _unpacked(file, head)
        number = 0
        try:
            for number, content in _raw_rows(stream, limit):
                yield _line(number, file.tell(), content)
        except _DAMAGED as error:
            yield Line(
                number + 1, file.tell(), error=RowError("", f"the file is damaged or cut off from here on: {error}")
            )


def raw_lines(path: Path, numbers: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """The rows with these numbers as they stand in the file, for somebody to mend."""
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if head == b"PAR1":
            rows: Iterator[tuple[int, bytes | RowError]] = (
                (line.number, msgspec.json.encode(line.row)) for line in _parquet_rows(path)
            )
        else:
            rows = _raw_rows(_unpacked(file, head), LINE_LIMIT, whole=True)
        wanted, last = set(numbers), max(numbers, default=0)
        try:
            for number, content in rows:
                if number in wanted and isinstance(content, bytes):
                    yield number, content
                if number >= last:
                    return
        except _DAMAGED:
            return


# --- lines ------------------------------------------------------------------------------------------------


def _unpacked(file: IO[bytes], head: bytes) -> io.BufferedIOBase:
    """What a file is, is told by its first bytes and not by its name."""
    if head[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=file)
    if head == b"\x28\xb5\x2f\xfd":
        return ZstdFile(file)
    return file  # type: ignore[return-value]


def _raw_rows(stream: io.BufferedIOBase, limit: int, *, whole: bool = False) -> Iterator[tuple[int, bytes | RowError]]:
    """Numbered lines without their ends; a line over the limit is passed over and told."""
    first, number = True, 0
    while line := stream.readline(limit + 1):
        number += 1
        if first:
            first, line = False, line.removeprefix(_BOM)
            if line.lstrip().startswith(b"[") and not _is_complete(line):
                yield from _array_rows(line, stream)
                return
        if len(line) > limit and not line.endswith(b"\n"):
            start = line
            size = len(line) + _skip_line(stream, limit)
            reason = f"the line is {size:,} bytes long; the limit is {limit:,}"
            yield number, start if whole else RowError("", reason)
        elif line := line.strip():
            yield number, line


def _skip_line(stream: io.BufferedIOBase, limit: int) -> int:
    skipped = 0
    while part := stream.readline(limit):
        skipped += len(part)
        if part.endswith(b"\n"):
            break
    return skipped


def _is_complete(line: bytes) -> bool:
    """A bracket may open an array over the whole file, or be a row that should have been an object."""
    try:
        found = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return False
    return not (isinstance(found, list) and found and all(isinstance(one, dict) for one in found))


def _array_rows(start: bytes, stream: io.BufferedIOBase) -> Iterator[tuple[int, bytes | RowError]]:
    content = start + stream.read(ARRAY_LIMIT + 1)
    if len(content) > ARRAY_LIMIT:
        yield 1, RowError("", f"a JSON array may have {ARRAY_LIMIT:,} bytes; JSON Lines may have any number")
        return
    try:
        for number, row in enumerate(msgspec.json.decode(content, type=list[msgspec.Raw]), 1):
            yield number, bytes(row)
    except (ValueError, RecursionError) as error:
        yield 1, RowError("", f"neither JSON Lines nor a JSON array: {error}")


def _line(number: int, position: int, content: bytes | RowError) -> Line:
    try:
        return Line(number, position, decoded(content))
    except RowError as error:
        return Line(number, position, error=error)


def decoded(content: bytes | RowError) -> dict[str, Any]:
    """The JSON object of a line. Raises RowError for all that is not one, or that no text column can hold."""
    if isinstance(content, RowError):
        raise content
    try:
        row = msgspec.json.decode(content)
    except UnicodeDecodeError as error:
        raise RowError("", f"not UTF-8: {error.reason}") from None
    except msgspec.DecodeError as error:
        raise RowError("", _why_not_json(content, str(error))) from None
    except RecursionError:
        raise RowError("", "nested too deeply") from None
    if not isinstance(row, dict):
        raise RowError("", f"a row is a JSON object, this is {named(row)}")
    if b"\\u0000" in content:
        _refuse_nul(row, "")
    return row


def _why_not_json(content: bytes, reason: str) -> str:
    """msgspec says "truncated" of a lone surrogate; the standard library reads it."""
    try:
        if b"\\u" in content and json.loads(content) is not None:
            return "an escaped lone surrogate (\\ud800 to \\udfff), which is no character"
    except (ValueError, RecursionError):
        pass
    return f"not JSON: {reason}"


def _refuse_nul(value: Any, path: str) -> None:
    if isinstance(value, str) and "\x00" in value:
        raise RowError(path, "holds the character NUL, which a database text cannot")
    if isinstance(value, dict):
        for key, one in value.items():
            _refuse_nul(one, f"{path}.{key}" if path else key)
            _refuse_nul(key, path)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            _refuse_nul(one, f"{path}[{index}]")


def named(value: object) -> str:
    """What a JSON value is called in an error."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the text {value[:40]!r}{'...' if len(value) > 40 else ''}"
    if isinstance(value, int | float):
        return f"the number {value!r}"[:60]
    return f"a list of {len(value)}" if isinstance(value, list) else "an object"


# --- Parquet ----------------------------------------------------------------------------------------------


def _parquet_rows(path: Path) -> Iterator[Line]:
    number, size = 0, path.stat().st_size
    try:
        with pq.ParquetFile(path) as file:
            total = max(1, file.metadata.num_rows)
            for batch in file.iter_batches(batch_size=256):
                for row in batch.to_pylist():
                    number += 1
                    yield _parquet_line(number, size * number // total, row)
    except _DAMAGED as error:
        yield Line(number + 1, size, error=RowError("", f"the Parquet file is damaged from here on: {error}"))


def _parquet_line(number: int, position: int, row: dict[str, Any]) -> Line:
    try:
        # Once through JSON: dates, decimals and bytes become what a JSON file would have held.
        row = msgspec.json.decode(msgspec.json.encode(_without_nan(row)))
        _refuse_nul(row, "")
    except (TypeError, ValueError, RecursionError) as error:
        told = error if isinstance(error, RowError) else RowError("", f"holds a value that is no JSON: {error}")
        return Line(number, position, error=told)
    return Line(number, position, row)


def _without_nan(value: Any) -> Any:
    """Parquet writers put NaN where JSON has null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(one) for key, one in value.items()}
    return [_without_nan(one) for one in value] if isinstance(value, list) else value
