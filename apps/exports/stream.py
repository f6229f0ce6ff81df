"""The rows of an export as they would be in its file, without a file."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from apps.exports.chunks import chunk_rows
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from apps.exports.writers import Rows, lines_of, mixed_places, mixing_order
from apps.projects.models import Project


def stream_rows(project: Project, format: str, policy: LabelPolicy) -> Iterator[bytes]:  # noqa: A002
    """Yield the lines of the rows, a chunk at a time. The policy has no splits: they are several files.

    A format with mixed rows mixes those of each chunk, where a file mixes all.
    """
    format_ = FORMATS[format]
    for chunk in chunk_rows(project, format_, policy):
        for rows in chunk.rows.values():
            if len(rows):
                yield lines_of(_mixed(rows, format_.mixed_column) if format_.mixed_column else rows)


def _mixed(rows: Rows, column: str) -> pl.DataFrame:
    """The same rows with those of two classes evenly mixed."""
    frame = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)
    true, false = frame.filter(pl.col(column)), frame.filter(~pl.col(column))
    order = list(mixing_order(len(true), len(false), most=len(frame)))
    return pl.concat([true, false])[mixed_places(np.concatenate(order))]
