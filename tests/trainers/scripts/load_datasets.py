"""What `datasets` makes of export folders: load_datasets.py FOLDER ...

Each folder is loaded as a user would, by its name alone, and its rows are compared with those of its files.
"""

from __future__ import annotations

import gzip
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import zstandard
from datasets import load_dataset


def main(folders: list[str]) -> None:
    facts = {Path(folder).name: loaded(Path(folder)) for folder in folders}
    print("\n" + json.dumps({"versions": {"datasets": version("datasets")}, "folders": facts}))


def loaded(folder: Path) -> dict[str, Any]:
    try:
        splits = load_dataset(str(folder))
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:400]}
    return {
        "splits": {name: len(split) for name, split in splits.items()},
        "features": {name: str(feature) for name, feature in next(iter(splits.values())).features.items()},
        "differing": sum(differing(folder, name, list(split)) for name, split in splits.items()),
    }


def differing(folder: Path, split: str, rows: list[dict[str, Any]]) -> int:
    """Rows that are not those of the split's files, value for value."""
    files = [file for file in sorted(folder.iterdir()) if ".jsonl" in file.name or file.suffix == ".parquet"]
    of_split = [file for file in files if file.name.startswith((f"{split}-", "data-"))] or files
    wanted = [row for file in of_split for row in rows_of(file)]
    return sum(one != other for one, other in zip(rows, wanted, strict=False)) + abs(len(rows) - len(wanted))


def rows_of(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".parquet":
        rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
        return rows
    data = file.read_bytes()
    if file.suffix == ".gz":
        data = gzip.decompress(data)
    if file.suffix == ".zst":
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    return [json.loads(line) for line in data.splitlines()]


main(sys.argv[1:])
