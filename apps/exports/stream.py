"""The rows of an export as they would be in its file, without a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from tempfile import SpooledTemporaryFile, TemporaryDirectory
from typing import Any

import msgspec

from apps.exports.chunk_rows import rows_by_split
from apps.exports.contamination import contamination_index
from apps.exports.formats import FORMATS
from apps.exports.load.records import load_records
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from apps.exports.writers import MixedWriter, Row
from apps.projects.models import Project

IN_MEMORY = 4 * 1024 * 1024


def stream_rows(project: Project, format: str, policy: LabelPolicy) -> Iterator[bytes]:  # noqa: A002
    """Yield the lines of the rows, some at a time. The policy has no splits: they are several files.

    A format with mixed rows is read to its end before the first line.
    """
    rows = _rows(project, format, policy)
    column = FORMATS[format].mixed_column
    return _mixed(rows, column) if column else map(_lines, rows)


def _rows(project: Project, format: str, policy: LabelPolicy) -> Iterator[list[Row]]:  # noqa: A002
    format_, tally, index = FORMATS[format], Tally(), contamination_index(policy, project)
    for records in load_records(project, of=format_.kinds(policy)):
        if rows := list(chain.from_iterable(rows_by_split(records, format_, policy, tally, index).values())):
            yield rows


def _lines(rows: Sequence[Row]) -> bytes:
    return b"".join([msgspec.json.encode(row) + b"\n" for row in rows])


class _Buffer:
    """Keeps lines until all are there, on disk if there are many."""

    def __init__(self) -> None:
        self.file: Any = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed by the reader

    def write(self, rows: Sequence[Row]) -> None:
        self.file.write(_lines(rows))


def _mixed(chunks: Iterator[list[Row]], column: str) -> Iterator[bytes]:
    buffer = _Buffer()
    with buffer.file, TemporaryDirectory(prefix="annotate-stream-") as folder:
        with MixedWriter(buffer, column, folder) as writer:
            for rows in chunks:
                writer.write(rows)
        buffer.file.seek(0)
        while block := buffer.file.read(64 * 1024):
            yield block
