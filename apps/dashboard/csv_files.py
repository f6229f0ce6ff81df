"""CSV downloads, streamed row by row."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import StreamingHttpResponse


class _Echo:
    """A file that returns what is written to it, as the csv module needs one to stream."""

    def write(self, line: str) -> str:
        return line


def csv_response(rows: Iterable[Iterable[Any]], name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8", headers=headers)


def csv_text(rows: Iterable[Iterable[Any]]) -> str:
    return b"".join(_lines(rows)).decode()


def _lines(rows: Iterable[Iterable[Any]]) -> Iterator[bytes]:
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow([_escaped(value) for value in row]).encode()


def _escaped(value: object) -> object:
    """Spreadsheets run a cell that begins like a formula, so such texts get a quote in front."""
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
