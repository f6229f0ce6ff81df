"""Reads the rows of an export's files again, as a stream. Pure."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

import msgspec
import pyarrow.parquet as pq

from apps.core.zstd import ZstdFile
from apps.exports.files.writers import ROW_GROUP

Row = dict[str, Any]


def part_rows(path: Path, container: str) -> Iterator[Row]:
    """Yield the rows of one file."""
    if container == "parquet":
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=ROW_GROUP):
                yield from batch.to_pylist()
        return
    decode = msgspec.json.Decoder(Row).decode
    with _opened(path, container) as lines:
        for line in lines:
            yield decode(line)


def _opened(path: Path, container: str) -> IO[bytes]:
    if container == "jsonl.gz":
        return cast(IO[bytes], gzip.open(path, "rb"))
    return cast(IO[bytes], ZstdFile(path)) if container == "jsonl.zst" else path.open("rb")
