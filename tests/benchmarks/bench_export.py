"""Exported rows a second: 20,000 solutions of 8 steps with one labeler each, in each format.

.venv/bin/python -m tests.benchmarks.bench_export [SOLUTIONS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.corpora import write_corpus
from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database


def main(solutions: int = 20_000) -> None:
    with a_database(), tempfile.TemporaryDirectory() as folder:
        path = write_corpus(Path(folder) / "corpus.jsonl", solutions=solutions, labeled=True, graded=True)
        measure(path)


def measure(path: Path) -> None:
    from django.core.files import File

    from apps.corpus.imports.run import run_import
    from apps.corpus.services import create_import
    from apps.exports.formats import FORMATS
    from apps.exports.run import run_export
    from apps.exports.services import create_export
    from apps.projects.services import create_project

    project = create_project(slug="bench-export")
    with path.open("rb") as file:
        batch = create_import(project=project, file=File(file), filename=path.name, format="jsonl")
    run_import(batch_id=batch.pk)
    for container in ("jsonl", "parquet"):
        for name in (name for name, format_ in FORMATS.items() if "solution" in format_.of):
            export = create_export(project=project, format=name, policy={}, container=container)
            export = run_export(export_id=export.pk)
            assert export.rows, export.error
            tell(f"export.{name}.{container}", export.rows / (export.seconds or 1), "rows/s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
