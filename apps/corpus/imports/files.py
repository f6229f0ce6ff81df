"""Reads files row by row: JSON Lines, a JSON array, CSV, TSV or Parquet, plain, gzipped or zstd. Pure.

A broken row is returned with its error. A broken file ends with one more row, whose error says why. No function here
raises for the content of a file.
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
from apps.corpus.imports.tables import DELIMITERS, delimiter_of, table_rows
from apps.corpus.imports.utf16 import as_utf8, is_utf16
from apps.corpus.records import RowError

LINE_LIMIT = 4 * 1024**2  # Bytes: longer than any solution, and shorter than a file without line ends.
HEAD = 64 * 1024  # Bytes, by which a file of another kind is recognized.
HEADER = 1  # By which `raw_lines` asks for the first row of a table.
PARQUET, GZIP, ZSTD = b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"

_DAMAGED = (EOFError, OSError, zlib.error, ZstdError, pa.ArrowException)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its line number from 1 (in Parquet and arrays its own number, in a table that of a spreadsheet), and its
    content or its error.

    `position` is how many bytes of the file on disk have been read.
    """

    number: int
    position: int
    row: dict[str, Any] = field(default_factory=dict)
    error: RowError | None = None


def read_rows(path: Path, *, limit: int = LINE_LIMIT) -> Iterator[Line]:
    """Every row of the file that is not blank. Raises OSError for a file that cannot be opened.

    For a file of another kind, or without rows, it is one line with an error that says what the file is.
    """
    line = None
    for line in _lines(path, limit):
        yield line
    if line is None:
        yield Line(1, path.stat().st_size, error=RowError("", "the file holds no rows"))


def _lines(path: Path, limit: int) -> Iterator[Line]:
    with path.open("rb") as file:
        head = _head_of(file)
        if head == PARQUET:
            yield from _parquet_rows(path)
            return
        number = 0
        try:
            stream = as_utf8(_unpacked(file, head))
            if (delimiter := _delimiter_in(stream)) is not None:
                for row in table_rows(stream, delimiter, limit=limit):
                    number = row.number
                    if row.error is not None or row.cells:
                        yield Line(number, file.tell(), row.cells, row.error)
                return
            for number, content in _raw_rows(stream, limit):
                yield _line(number, file.tell(), content)
        except _DAMAGED as error:
            yield Line(
                number + 1, file.tell(), error=RowError("", f"the file is damaged or cut off from here on: {error}")
            )
        except UnicodeDecodeError as error:
            yield Line(number + 1, file.tell(), error=RowError("", f"not UTF-16 from here on: {error.reason}"))


def raw_lines(path: Path, numbers: Collection[int]) -> Iterator[tuple[int, bytes]]:
    """The rows with these numbers as they are written in the file, for a person to correct; HEADER is that of a table."""
    with path.open("rb") as file:
        head = _head_of(file)
        chosen, last = set(numbers), max(numbers, default=0)
        try:
            for number, content in _contents(path, file, head):
                if number in chosen and isinstance(content, bytes):
                    yield number, content
                if number >= last:
                    return
        except (*_DAMAGED, UnicodeDecodeError):
            return


def _contents(path: Path, file: IO[bytes], head: bytes) -> Iterator[tuple[int, bytes | RowError]]:
    if head == PARQUET:
        yield from ((line.number, msgspec.json.encode(line.row)) for line in _parquet_rows(path))
        return
    stream = as_utf8(_unpacked(file, head))
    delimiter = _delimiter_in(stream)
    if delimiter is None:
        yield from _raw_rows(stream, LINE_LIMIT, whole=True)
        return
    # Blank lines may come before the header.
    for place, row in enumerate(table_rows(stream, delimiter, limit=LINE_LIMIT)):
        yield row.number if place else HEADER, row.text


# --- what the first bytes say -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileShape:
    """How a file holds its rows, by its first bytes: what people call it, and how it is packed and encoded."""

    title: str
    ending: str = "jsonl"
    packed: str = ""
    encoding: str = ""

    @property
    def is_table(self) -> bool:
        return self.ending != "jsonl"


def shape_of(path: Path) -> FileShape | None:
    """None for a file of a kind that is not read. Raises OSError for a file that cannot be opened."""
    with path.open("rb") as file:
        head = _head_of(file)
        if head == PARQUET:
            return FileShape("Parquet")
        packed = "gzip" if head[:2] == GZIP else "zstd" if head == ZSTD else ""
        try:
            raw = _unpacked(file, head)
            encoding = "UTF-16" if is_utf16(raw.peek(HEAD)[:HEAD]) else ""
            stream = as_utf8(raw)
            first = stream.peek(HEAD)[:HEAD]
            delimiter = _delimiter_in(stream)
        except (*_DAMAGED, UnicodeDecodeError):
            return None
    if delimiter is not None:
        return FileShape(DELIMITERS[delimiter], "tsv" if delimiter == "\t" else "csv", packed, encoding)
    start = first.removeprefix(BOM).lstrip()[:1]
    title = {b"{": "JSON Lines", b"[": "JSON array"}.get(start)
    return FileShape(title, "jsonl", packed, encoding) if title else None


def _head_of(file: IO[bytes]) -> bytes:
    head = file.read(4)
    file.seek(0)
    return head


def _delimiter_in(stream: io.BufferedReader) -> str | None:
    head = stream.peek(HEAD)[:HEAD]
    return delimiter_of(head) if binary_kind(head) is None else None


# --- lines ------------------------------------------------------------------------------------------------


def _unpacked(file: IO[bytes], head: bytes) -> io.BufferedReader:
    """The kind of a file is decided by its first bytes, not by its name."""
    stream: Any = file
    if head[:2] == GZIP:
        stream = gzip.GzipFile(fileobj=file)
    elif head == ZSTD:
        stream = ZstdFile(file)
    return io.BufferedReader(stream, HEAD)


def _raw_rows(stream: io.BufferedReader, limit: int, *, whole: bool = False) -> Iterator[tuple[int, bytes | RowError]]:
    """Numbered lines without their ends; a line over the limit is skipped with an error."""
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
            if line.lstrip().startswith(b"[") and not _is_row(line):
                yield from array_rows(line, stream)
                return
            kind = text_kind(head) if not is_json(line) else single_object_kind(line, stream)
            if kind is not None:
                yield number, RowError("", kind)
                return
        if len(line) > limit and not line.endswith(b"\n"):
            start, size = line, len(line)
            while not line.endswith(b"\n") and (line := stream.readline(limit)):
                size += len(line)
            yield number, start if whole else RowError("", f"the line is {size:,} bytes long; the limit is {limit:,}")
        elif line := line.strip():
            yield number, line


def single_object_kind(line: bytes, stream: io.BufferedReader) -> str | None:
    """What the file is, where its only line is one object that holds all rows."""
    is_only = not stream.peek(1).strip()
    row = msgspec.json.decode(line) if is_only and line.lstrip().startswith(b"{") else None
    return object_kind(row) if row else None


def _is_row(line: bytes) -> bool:
    """A bracket may open an array over the whole file, or be a row that should have been an object."""
    try:
        value = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return False
    return not (isinstance(value, list) and all(isinstance(item, dict) for item in value))


def array_rows(start: bytes, stream: io.BufferedIOBase) -> Iterator[tuple[int, bytes | RowError]]:
    number = 0
    try:
        for number, element in enumerate(array_elements(start, stream), 1):
            yield number, element
    except (ValueError, RecursionError) as error:
        reason = "it nests too deeply" if isinstance(error, RecursionError) else str(error)
        problem = (
            f"the JSON array cannot be read from here on: {reason}"
            if number
            else f"neither JSON Lines nor a JSON array: {reason}"
        )
        yield number + 1, RowError("", problem)


def _line(number: int, position: int, content: bytes | RowError) -> Line:
    try:
        return Line(number, position, decoded(content))
    except RowError as error:
        return Line(number, position, error=error)


def decoded(content: bytes | RowError) -> dict[str, Any]:
    """The JSON object of a line. Raises RowError for anything else, and for texts that the database cannot store."""
    if isinstance(content, RowError):
        raise content
    try:
        try:
            row = msgspec.json.decode(content)
        except msgspec.DecodeError:
            row = msgspec.json.decode(with_null_for_nan(content))
    except UnicodeDecodeError as error:
        raise RowError("", f"not UTF-8: {error.reason}") from None
    except msgspec.DecodeError as error:
        raise RowError("", reason_not_json(content, str(error))) from None
    except RecursionError:
        raise RowError("", "nested too deeply") from None
    if not isinstance(row, dict):
        raise RowError("", f"a row is a JSON object, this is {named(row)}")
    refuse_repeated_keys(content, row)
    if b"\\u0000" in content:
        _refuse_nul(row, "")
    return row


_TEXT_OR_NAN = re.compile(rb'"(?:[^"\\]|\\[\s\S])*(?:"|\Z)|(?<![\w.])-?(?:NaN|Infinity)(?!\w)')


def with_null_for_nan(content: bytes) -> bytes:
    """NaN and Infinity, which Python writes and JSON does not know, become null, as in Parquet."""
    if b"NaN" not in content and b"Infinity" not in content:
        return content
    return _TEXT_OR_NAN.sub(lambda match: match[0] if match[0].startswith(b'"') else b"null", content)


def refuse_repeated_keys(content: bytes, row: dict[str, Any]) -> None:
    """Raises RowError for a key that an object has twice: a decoder would silently take the last one."""
    if has_all_keys(content, row):
        return
    try:
        json.loads(content, object_pairs_hook=_check_pairs, parse_int=str, parse_float=str)
    except RecursionError:
        raise RowError("", "nested too deeply") from None


def has_all_keys(content: bytes, row: dict[str, Any]) -> bool:
    """Whether the decoded row has as many keys as the line. False where counting cannot decide.

    It takes a sixth of the time that reading every key does.
    """
    if _ESCAPED_ENDS.search(content) or _SPACED_COLON.search(content):
        return False
    try:
        return content.count(b'":') == msgspec.json.encode(row).count(b'":')
    except (OverflowError, RecursionError, msgspec.MsgspecError):
        return False


# An escaped quotation mark or colon within a text, which the encoded row has unescaped.
_ESCAPED_ENDS = re.compile(rb"\\u00(?:22|3[aA])")
_SPACED_COLON = re.compile(rb'"\s+:')


def _check_pairs(pairs: list[tuple[str, Any]]) -> None:
    names: set[str] = set()
    for name, _ in pairs:
        if name in names:
            raise RowError(name, "is twice in one object: which of the two is meant?")
        names.add(name)


def reason_not_json(content: bytes, reason: str) -> str:
    """msgspec calls a lone surrogate "truncated"; the standard library reads it."""
    try:
        if b"\\u" in content and json.loads(content) is not None:
            return "an escaped lone surrogate (\\ud800 to \\udfff), which is not a character"
    except (ValueError, RecursionError):
        pass
    return f"not JSON: {reason}"


def _refuse_nul(value: Any, path: str) -> None:
    if isinstance(value, str) and "\x00" in value:
        raise RowError(path, "holds the character NUL, which the database cannot store")
    if isinstance(value, dict):
        for key, item in value.items():
            _refuse_nul(item, f"{path}.{key}" if path else key)
            _refuse_nul(key, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _refuse_nul(item, f"{path}[{index}]")


def named(value: object) -> str:
    """A JSON value as an error names it."""
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
                    yield parquet_line(number, size * number // total, row)
    except _DAMAGED as error:
        yield Line(number + 1, size, error=RowError("", f"the Parquet file is damaged from here on: {error}"))


def parquet_line(number: int, position: int, row: dict[str, Any]) -> Line:
    try:
        # Once through JSON: dates, decimals and bytes become what a JSON file would hold.
        row = msgspec.json.decode(msgspec.json.encode(_without_nan(row)))
        _refuse_nul(row, "")
    except (TypeError, ValueError, RecursionError) as error:
        if not isinstance(error, RowError):
            error = RowError("", f"holds a value that JSON cannot express: {error}")
        return Line(number, position, error=error)
    return Line(number, position, row)


def _without_nan(value: Any) -> Any:
    """Parquet writers write NaN where JSON has null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    return [_without_nan(item) for item in value] if isinstance(value, list) else value
