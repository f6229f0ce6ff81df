"""Seconds and memory of comparing two exports in which every hundredth label differs.

.venv/bin/python -m tests.benchmarks.bench_export_diff [ROWS]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator

from apps.exports.diffs.diff import diff_rows
from apps.exports.diffs.row_parts import RowParts, row_parts
from tests.benchmarks.report import tell

STEPS = 8


def main(rows: int = 50_000) -> None:
    before = _peak_mb()
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found = diff_rows(_stream(rows, flipped=False), _stream(rows, flipped=True), folder=folder)
    assert found.labels.flipped == rows * STEPS // 100
    tell("export-diff.labels", 2 * rows * STEPS / (time.perf_counter() - began), "labels/s")
    tell("export-diff.memory", _peak_mb() - before, "MB")


def _stream(rows: int, *, flipped: bool) -> Iterator[RowParts]:
    text = "We multiply both sides by the same number and simplify. " * 2
    for number in range(rows):
        labels = [not (flipped and (number * STEPS + place) % 100 == 0) for place in range(STEPS)]
        completions = [f"{text}{number} {place}" for place in range(STEPS)]
        yield row_parts({"prompt": f"{text}{number}\n", "completions": completions, "labels": labels})


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
