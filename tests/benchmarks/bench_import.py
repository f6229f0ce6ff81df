"""Rows a second into an empty project: 20,000 solutions of 8 steps, bare, with labels, with grading.

.venv/bin/python -m tests.benchmarks.bench_import [SOLUTIONS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.benchmarks.corpora import STEPS, write_corpus
from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database


def main(solutions: int = 20_000) -> None:
    with a_database(), tempfile.TemporaryDirectory() as folder:
        for name, labeled, graded in (("bare", False, False), ("labeled", True, False), ("graded", False, True)):
            path = write_corpus(Path(folder) / f"{name}.jsonl", solutions=solutions, labeled=labeled, graded=graded)
            measure(name, path, solutions)


def measure(name: str, path: Path, solutions: int) -> None:
    from django.core.files import File

    from apps.corpus.imports.run import run_import
    from apps.corpus.services import create_import
    from apps.projects.services import create_project

    project = create_project(slug=f"bench-{name}")
    with path.open("rb") as file:
        batch = create_import(project=project, file=File(file), filename=path.name, format="jsonl")
    batch = run_import(batch_id=batch.pk)
    seconds = batch.seconds or 0
    assert (batch.solutions, batch.rejected) == (solutions, 0), batch.error
    storing = seconds - batch.grading_seconds
    tell(f"import.{name}", solutions / storing, "solutions/s")
    tell(f"import.{name}.steps", solutions * STEPS / storing, "steps/s")
    if name == "graded":
        tell("import.grading", solutions / batch.grading_seconds, "answers/s")
    again = create_again(project, path)
    tell(f"import.{name}.again", solutions / again, "solutions/s")


def create_again(project: object, path: Path) -> float:
    """The same file once more adds nothing; gives the seconds that this takes."""
    from django.core.files import File

    from apps.corpus.imports.run import run_import
    from apps.corpus.services import create_import

    with path.open("rb") as file:
        batch = create_import(project=project, file=File(file), filename=path.name, format="jsonl")  # type: ignore[arg-type]
    batch = run_import(batch_id=batch.pk)
    assert batch.solutions == 0
    assert batch.labels == 0
    return batch.seconds or 0


if __name__ == "__main__":
    main(*map(int, sys.argv[1:2]))
