"""Files as rows: JSON Lines, a JSON array or Parquet, plain, gzipped or zstd, one row in memory at a time. Pure.

Whatever is wrong with a row is told with the row; whatever is wrong with the file ends it with one
more row that says so. Nothing here raises for what a file holds.
"""

from __future__ import annotations

import gzip
import io
import json
import math
import re
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from apps.core.zstd import ZstdError, ZstdFile
from apps.corpus.imports.file_kinds import BOM, binary_kind, is_json, object_kind, text_kind
from apps.corpus.imports.json_array import array_elements
from apps.corpus.records import RowError

LINE_LIMIT = 4 * 1024**2  # Bytes. No solution is so long; a file without line ends is.
HEAD = 64 * 1024  # Bytes, from which a file of another kind is known.

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
    """Every row of the file that is not blank. Only a file that cannot be opened raises (OSError).

    A file of another kind, and one without rows, is one line with an error that says what it is.
    """
    line = None
    for line in _lines(path, limit):
        yield line
    if line is None:
        yield Line(1, path.stat().st_size, error=RowError("", "the file holds no rows"))


def _lines(path: Path, limit: int) -> Iterator[Line]:
    with path.open("rb") as file:
        head = file.read(4)
        file.seek(0)
        if head == b"PAR1":
            yield from _parquet_rows(path)
            return
        number = 0
        try:
            for number, content in _raw_rows(_unpacked(file, head), limit):
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


def _unpacked(file: IO[bytes], head: bytes) -> io.BufferedReader:
    """What a file is, is told by its first bytes and not by its name."""
    stream: Any = file
    if head[:2] == b"\x1f\x8b":
        stream = gzip.GzipFile(fileobj=file)
    elif head == b"\x28\xb5\x2f\xfd":
        stream = ZstdFile(file)
    return io.BufferedReader(stream, HEAD)


def _raw_rows(stream: io.BufferedReader, limit: int, *, whole: bool = False) -> Iterator[tuple[int, bytes | RowError]]:
    """Numbered lines without their ends; a line over the limit is passed over and told."""
    head = stream.peek(HEAD)[:HEAD]
    kind = binary_kind(head)
    if kind is not None:
        yield 1, RowError("", kind)
        return
    number, is_first = 0, True
    while line := stream.readline(limit + 1):
        number += 1
        if number == 1:
            line = line.removeprefix(BOM)
        if is_first and line.strip():
            is_first = False
            if line.lstrip().startswith(b"[") and not _is_complete(line):
                yield from _array_rows(line, stream)
                return
            kind = _other_kind(line, head, stream)
            if kind is not None:
                yield number, RowError("", kind)
                return
        if len(line) > limit and not line.endswith(b"\n"):
            start = line
            size = len(line) + _skip_line(stream, limit)
            reason = f"the line is {size:,} bytes long; the limit is {limit:,}"
            yield number, start if whole else RowError("", reason)
        elif line := line.strip():
            yield number, line


def _other_kind(first: bytes, head: bytes, stream: io.BufferedReader) -> str | None:
    """What the file is, where its first line shows that it does not hold a row in each line."""
    if not is_json(first):
        return text_kind(head)
    is_only = not stream.peek(1).strip()
    row = msgspec.json.decode(first) if is_only and first.lstrip().startswith(b"{") else None
    return object_kind(row) if row else None


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
    return not (isinstance(found, list) and all(isinstance(one, dict) for one in found))


def _array_rows(start: bytes, stream: io.BufferedIOBase) -> Iterator[tuple[int, bytes | RowError]]:
    number = 0
    try:
        for number, element in enumerate(array_elements(start, stream), 1):
            yield number, element
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        what = (
            f"the JSON array cannot be read from here on: {reason}"
            if number
            else f"neither JSON Lines nor a JSON array: {reason}"
        )
        yield number + 1, RowError("", what)


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
        row = _decode_row(content)
    except UnicodeDecodeError as error:
        raise RowError("", f"not UTF-8: {error.reason}") from None
    except msgspec.DecodeError as error:
        raise RowError("", _why_not_json(content, str(error))) from None
    except RecursionError:
        raise RowError("", "nested too deeply") from None
    if not isinstance(row, dict):
        raise RowError("", f"a row is a JSON object, this is {named(row)}")
    _refuse_twin_keys(content, row)
    if b"\\u0000" in content:
        _refuse_nul(row, "")
    return row


_NUMBERS_OF_PYTHON = re.compile(rb'"(?:[^"\\]|\\[\s\S])*(?:"|\Z)|(?<![\w.])-?(?:NaN|Infinity)(?!\w)')


def _decode_row(content: bytes) -> Any:
    """NaN and Infinity, which Python writes and JSON does not know, are null, as in Parquet."""
    try:
        return msgspec.json.decode(content)
    except msgspec.DecodeError:
        return msgspec.json.decode(_without_numbers_of_python(content))


def _without_numbers_of_python(content: bytes) -> bytes:
    if b"NaN" not in content and b"Infinity" not in content:
        return content
    return _NUMBERS_OF_PYTHON.sub(_null_for_number, content)


def _null_for_number(found: re.Match[bytes]) -> bytes:
    return found[0] if found[0].startswith(b'"') else b"null"


def _refuse_twin_keys(content: bytes, row: dict[str, Any]) -> None:
    """A key that stands twice in an object: a decoder would take the last, and nobody would know."""
    if _has_all_keys(content, row):
        return
    try:
        json.loads(content, object_pairs_hook=_only_keys, parse_int=str, parse_float=str)
    except RecursionError:
        raise RowError("", "nested too deeply") from None


def _has_all_keys(content: bytes, row: dict[str, Any]) -> bool:
    """Whether the decoded row writes as many keys as the line has. False where counting cannot tell.

    It costs a sixth of what reading every key does.
    """
    if _ESCAPED_ENDS.search(content) or _PARTED_COLON.search(content):
        return False
    try:
        return content.count(b'":') == msgspec.json.encode(row).count(b'":')
    except (OverflowError, RecursionError, msgspec.MsgspecError):
        return False


# A quotation mark or a colon within a text, which the decoded row writes as it is.
_ESCAPED_ENDS = re.compile(rb"\\u00(?:22|3[aA])")
_PARTED_COLON = re.compile(rb'"\s+:')


def _only_keys(pairs: list[tuple[str, Any]]) -> None:
    names = {name for name, _ in pairs}
    if len(names) < len(pairs):
        twin = next(name for place, (name, _) in enumerate(pairs) if name in {one for one, _ in pairs[:place]})
        raise RowError(twin, "stands twice in one object: which of the two is meant?")


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
