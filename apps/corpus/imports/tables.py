"""Rows of CSV and TSV files (RFC 4180), one in memory at a time. Pure.

The first row names the columns. Rows are counted as a spreadsheet counts them, the header being row 1. Every cell is a
text, an empty one is null: what a text is read as, its field decides.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from apps.corpus.records import RowError

DELIMITERS = {"\t": "TSV, separated by tabs", ",": "CSV, separated by commas", ";": "CSV, separated by semicolons"}
MOST_COLUMNS = 2000
LONGEST_NAME = 200
# A file of one column has no delimiter to be known by: its header is one of these.
_ONLY_COLUMN = ("problem", "question", "prompt", "instruction", "statement", "query")
# What spreadsheets leave in a cell whose text they took for a formula.
_SPREADSHEET_ERRORS = ("#NAME?", "#REF!", "#VALUE!", "#DIV/0!", "#NUM!", "#NULL!", "#N/A")
_NO_NAME = re.compile(r"[{}\[\]:]")


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of the table below the header. `text` is the row as it is written in the file."""

    number: int
    text: bytes
    cells: dict[str, str | None] = field(default_factory=dict)
    error: RowError | None = None


def delimiter_of(head: bytes) -> str | None:
    """The delimiter of a table whose first bytes these are; None for a text that is none.

    The header decides: it has names, and the delimiter is the one that makes the most of them.
    """
    # Not splitlines(), which also splits at characters that are part of a cell.
    lines = head.decode("utf-8-sig", errors="replace").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = [line for line in lines if line.strip()]
    header, *rows = lines or [""]
    if not rows or header.lstrip()[:1] in ("{", "[", "<"):
        return None
    if header.strip().strip('"').lower() in _ONLY_COLUMN:
        return ","
    counts = {sign: len(names) for sign in DELIMITERS if _may_be_header(names := _first_row(lines, sign))}
    delimiter = max(counts, key=lambda sign: counts[sign], default=None)
    if delimiter is None or not any(row.lstrip().startswith("{") for row in rows):
        return delimiter
    # Lines of JSON, of which the first is broken, have other numbers of cells.
    return delimiter if len(_first_row(rows, delimiter)) == counts[delimiter] else None


def _may_be_header(names: Sequence[str]) -> bool:
    """Names without the signs of JSON and YAML. One may be missing or twice: the error says which."""
    named = [name for name in names if name.strip()]
    return (
        len(names) > 1
        and len(named) * 2 > len(names)
        and all(len(name) <= 60 and not _NO_NAME.search(name) for name in named)
    )


def _first_row(lines: Sequence[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader((f"{line}\n" for line in lines), delimiter=delimiter), [])
    except csv.Error:
        return []


def table_rows(stream: io.BufferedReader, delimiter: str, *, limit: int) -> Iterator[TableRow]:
    """The header as row 1, without cells, and the rows below it. A wrong header is one row with its error.

    A row that is longer than `limit` bytes ends the file, since its quoted cell may never end.
    """
    # The limit of a cell belongs to the module; that of a row, which is checked below, is the one that counts.
    csv.field_size_limit(max(limit, csv.field_size_limit()))
    lines = _TableLines(stream, limit)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number, names = 0, list[str]()
    try:
        while True:
            number += 1
            error, cells = None, list[str]()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except _TooLong:
                reason = f"is longer than {limit:,} bytes, and nothing after it is read: a quoted cell may have no end"
                yield TableRow(number, lines.take(), error=RowError(f"row {number}", reason))
                return
            except csv.Error as csv_error:
                reason = f"is not CSV: {csv_error}; within a quoted cell a quotation mark is written twice"
                error = RowError(f"row {number}", reason)
            text = lines.take()
            if not names and (cells or error):
                try:
                    names = column_names(cells) if error is None else []
                except RowError as header_error:
                    error = header_error
                yield TableRow(number, text, error=error)
                if error is not None:
                    return
            elif cells or error:
                yield _table_row(number, text, cells, names, error)
    finally:
        lines.detach()


def _table_row(
    number: int, text: bytes, cells: Sequence[str], names: Sequence[str], error: RowError | None
) -> TableRow:
    if error is not None:
        return TableRow(number, text, error=error)
    try:
        return TableRow(number, text, row_of(cells, names, text))
    except RowError as row_error:
        return TableRow(number, text, error=row_error)


def column_names(cells: Sequence[str]) -> list[str]:
    """The names of the header. Raises RowError that names the column without a name, or with that of another."""
    names = [_decoded(cell, f"column {place}", 1).strip() for place, cell in enumerate(cells, 1)]
    if len(names) > MOST_COLUMNS:
        raise RowError("row 1", f"has {len(names):,} columns; the limit is {MOST_COLUMNS:,}")
    for place, name in enumerate(names, 1):
        if not name:
            reason = "has no name in row 1: the first row names every column"
            hint = "; pandas writes such a column unless it gets index=False" if place == 1 else ""
            raise RowError(f"column {place}", reason + hint)
        if len(name) > LONGEST_NAME:
            raise RowError(f"column {place}", f"has a name of {len(name):,} characters; the limit is {LONGEST_NAME}")
        if "\x00" in name:
            raise RowError(f"column {place}", "has the character NUL in its name")
        if name in names[: place - 1]:
            first = names.index(name) + 1
            raise RowError(name, f"is the name of column {first} and of column {place} in row 1: rename one of them")
    return names


def row_of(cells: Sequence[str], names: Sequence[str], text: bytes) -> dict[str, str | None]:
    """The cells by the names of their columns. Raises RowError that names the column."""
    if len(cells) < len(names):
        reason = f"is missing: the row has {_cells(len(cells))}, and the header names {len(names)} columns"
        raise RowError(names[len(cells)], reason)
    if len(cells) > len(names):
        reason = f"has no column: the row has {_cells(len(cells))}, and the header names {len(names)} columns"
        raise RowError(f"cell {len(names) + 1}", f"{reason}; quote cells that hold the delimiter")
    if text.isascii() and b"\x00" not in text and b"#" not in text:
        return {name: cell or None for name, cell in zip(names, cells, strict=True)}
    return {name: _checked(cell, name) or None for name, cell in zip(names, cells, strict=True)}


def _cells(count: int) -> str:
    return f"{count} cell{'' if count == 1 else 's'}"


def _checked(cell: str, name: str) -> str:
    cell = _decoded(cell, name)
    if "\x00" in cell:
        raise RowError(name, "holds the character NUL, which the database cannot store")
    if cell in _SPREADSHEET_ERRORS:
        reason = f"holds {cell}, the error of a spreadsheet that took a text for a formula: the text itself is lost"
        raise RowError(name, f"{reason}; save the file again with the column formatted as text")
    return cell


def _decoded(cell: str, name: str, row: int | None = None) -> str:
    """The cell, whose bytes that are not UTF-8 were read as lone surrogates. Raises RowError for them."""
    try:
        cell.encode()
    except UnicodeEncodeError as error:
        byte = ord(cell[error.start]) - 0xDC00
        place = f"in row {row}, " if row else ""
        reason = f"{place}character {error.start + 1}, is not UTF-8 (byte 0x{byte:02x})"
        raise RowError(name, f"{reason}: the file may be in Windows-1252 or Latin-1; save it as CSV UTF-8") from None
    return cell


class _TooLong(Exception):
    """A row has more bytes than the limit."""


class _TableLines:
    """The lines of a stream as text, and the bytes of those that make up the present row."""

    def __init__(self, stream: io.BufferedReader, limit: int) -> None:
        # Without translation, so that a quoted cell keeps its line ends; a lone CR ends a row as well.
        self._text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
        self._limit, self._size = limit, 0
        self._parts: list[str] = []

    def __iter__(self) -> _TableLines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._limit + 1)
        if not line:
            raise StopIteration
        self._size += len(line)
        self._parts.append(line)
        if self._size > self._limit:
            raise _TooLong
        return line

    def detach(self) -> None:
        """Leave the stream open, which the text would close at its own end."""
        self._text.detach()

    def take(self) -> bytes:
        """The bytes of the row that was read last, without its line end."""
        text = "".join(self._parts)
        self._parts, self._size = [], 0
        return text.encode(errors="surrogateescape").rstrip(b"\r\n")
