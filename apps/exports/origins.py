"""Which solution or comparison each exported row comes from: a Parquet file beside the parts, for lineage and audits. Pure.

It is not part of what is downloaded: it holds ids of the database. Its rows are in the order of the parts and their rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FILE_NAME = ".origins.parquet"
COLUMNS = pa.schema(
    [
        ("part", pa.int32()),
        ("row", pa.int64()),
        ("solution", pa.int64()),
        ("comparison", pa.int64()),
        ("first_error", pa.int32()),
    ]
)


class Origin(NamedTuple):
    """The origin of one row. `first_error` is that of the exported labels; None where they leave it open."""

    part: int
    row: int
    solution: int | None
    comparison: int | None
    first_error: int | None


def write_origins(folder: Path, origins: Iterable[Origin]) -> None:
    table = pa.Table.from_pylist([origin._asdict() for origin in origins], schema=COLUMNS)
    pq.write_table(table, folder / FILE_NAME, compression="zstd")


def origin_of(folder: Path, *, part: int, row: int) -> Origin | None:
    """The origin of a row, both counted from 0; None if there is no such row."""
    condition = (pc.field("part") == part) & (pc.field("row") == row)
    rows = pq.read_table(folder / FILE_NAME, filters=condition).to_pylist()
    return Origin(**rows[0]) if rows else None


def first_errors(folder: Path) -> dict[int, int]:
    """By solution, the first error of the exported labels, where they name one or say that there is none.

    Of a solution with several rows that differ, as for `people: each`, that of the last.
    """
    table = pq.read_table(folder / FILE_NAME, columns=["solution", "first_error"])
    known = table.filter(table["first_error"].is_valid())
    return dict(zip(known["solution"].to_pylist(), known["first_error"].to_pylist(), strict=True))
