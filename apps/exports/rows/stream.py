"""The rows of an export as they would be in its file, without a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from apps.exports.files.writers import MixedWriter, PartWriter, Rows, lines_of
from apps.exports.formats import FORMATS
from apps.exports.formats.base import Format
from apps.exports.policy import LabelPolicy
from apps.exports.rows.chunks import chunk_rows
from apps.projects.models import Project

BLOCK = 64 * 1024


def stream_rows(project: Project, format: str, policy: LabelPolicy) -> Iterator[bytes]:  # noqa: A002
    """Yield the lines of the rows, some at a time. The policy has no splits: they are several files.

    A format with mixed rows is read to its end before the first line.
    """
    format_ = FORMATS[format]
    rows = (rows for chunk in chunk_rows(project, format_, policy) for rows in chunk.rows.values() if len(rows))
    return _mixed(rows, format_, policy) if format_.mixed_column else map(lines_of, rows)


def _mixed(chunks: Iterator[Rows], format_: Format, policy: LabelPolicy) -> Iterator[bytes]:
    with TemporaryDirectory(prefix="annotate-stream-") as name:
        folder = Path(name)
        path = folder / "rows.jsonl"
        with (
            PartWriter(path, "jsonl", format_.schema(policy)) as writer,
            MixedWriter(writer, format_.mixed_column, folder) as mixed,
        ):
            for rows in chunks:
                mixed.write(rows)
        with path.open("rb") as lines:
            while block := lines.read(BLOCK):
                yield block
