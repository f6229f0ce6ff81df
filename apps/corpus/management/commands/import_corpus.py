"""import_corpus FILE --project SLUG --format F"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from django.core.files import File

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.corpus.imports.readers import READER_NAMES
from apps.corpus.imports.run import run_import
from apps.corpus.models import ImportBatch, ImportFinding
from apps.corpus.services import create_import
from apps.projects.models import Project

COUNTS = ("rows", "problems", "solutions", "steps", "labels", "rejected", "skipped_existing", "differences")


class Command(JsonCommand):
    help = "Import a file immediately, without a worker. Importing it again adds nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "file", type=Path, help="JSON Lines, a JSON array, CSV or TSV, plain, gzip or zstd; or Parquet."
        )
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--format", required=True, choices=READER_NAMES)
        parser.add_argument(
            "--options",
            default="{}",
            help='JSON, e.g. {"mapping": {"problem.statement": "ask"}}.',
        )

    def perform(self, **options: Any) -> Result:
        project = Project.objects.named(options["project"])
        path: Path = options["file"]
        if not path.is_file():
            raise DomainError(f"There is no file {path}.", fields={"file": "not found"})
        try:
            reader_options = msgspec.json.decode(options["options"], type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise DomainError(f"--options is not a JSON object: {error}", fields={"options": str(error)}) from error
        with path.open("rb") as file:
            batch = create_import(
                project=project,
                file=File(file),
                filename=path.name,
                format=options["format"],
                options=reader_options,
                enqueue=False,
            )
        with self.watching(batch, unit="rows", counter="rows"):
            batch = run_import(batch_id=batch.pk)
        if batch.status != JobStatus.FINISHED:
            raise DomainError(batch.error or f"The import is {batch.status}.")
        return self._result(batch)

    def report(self, result: Result) -> None:
        for name in (*COUNTS, "seconds"):
            self.stdout.write(f"{name.replace('_', ' ')}: {result[name]}")
        for row in result["rejected_rows"][:20]:
            self.stdout.write(f"  line {row['line']}, {row['field'] or 'row'}: {row['reason']}")
        for row in result["differing_solutions"][:20]:
            self.stdout.write(f"  line {row['line']}, {row['field']}: {row['reason']}")

    @staticmethod
    def _result(batch: ImportBatch) -> Result:
        def findings(kind: str) -> list[Mapping[str, Any]]:
            return [*batch.findings.filter(kind=kind).values("line", "field", "reason")]

        return {
            "import": batch.pk,
            **{name: getattr(batch, name) for name in COUNTS},
            "ignored": batch.ignored,
            "seconds": round(batch.seconds or 0, 3),
            "seconds_grading": round(batch.grading_seconds, 3),
            "rejected_rows": findings(ImportFinding.Kind.REJECTED),
            "differing_solutions": findings(ImportFinding.Kind.DIFFERENCE),
        }
