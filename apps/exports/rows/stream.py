"""The rows of an export as they would be in its file, without a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from apps.exports.files.mixer import Mixer
from apps.exports.files.writers import Rows, lines_of
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from apps.exports.rows.addresses import with_column
from apps.exports.rows.chunks import chunk_rows, expected_mix
from apps.projects.models import Project


def stream_rows(project: Project, format: str, policy: LabelPolicy) -> Iterator[bytes]:  # noqa: A002
    """Yield the lines of the rows, some at a time. The policy has no splits: they are several files.

    A format with mixed rows is read to its end before the first line where the policy selects solutions.
    """
    format_ = FORMATS[format]
    rows = (rows for chunk in chunk_rows(project, format_, policy) for rows in chunk.rows.values() if len(rows))
    if not format_.mixed_column:
        return map(lines_of, rows)
    columns = with_column(format_.schema(policy), policy)
    return _mixed(rows, lambda: Mixer(format_.mixed_column, columns, expected_mix(project, policy)))


def _mixed(chunks: Iterable[Rows], make_mixer: Callable[[], Mixer]) -> Iterator[bytes]:
    with make_mixer() as mixer:
        for rows in chunks:
            yield from map(lines_of, mixer.add(rows))
        yield from map(lines_of, mixer.rest())
