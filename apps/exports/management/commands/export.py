"""export --project SLUG --format F [--policy FILE] --output PATH"""

from __future__ import annotations

import shutil
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.core.json_input import read_json_object
from apps.exports.formats import FORMATS
from apps.exports.manifest import dataset_card, with_part_names
from apps.exports.models import Export
from apps.exports.run import run_export
from apps.exports.services import create_export, part_path
from apps.exports.writers import CONTAINERS
from apps.projects.models import Project


class Command(JsonCommand):
    help = "Export a project's labels in this process, without a worker. Writes the manifest beside the file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--format", required=True, choices=sorted(FORMATS))
        parser.add_argument("--policy", type=Path, help="JSON file; see docs/export-formats.md.")
        parser.add_argument("--output", type=Path, required=True, help=f"Ends in one of {', '.join(CONTAINERS)}.")

    def perform(self, **options: Any) -> Result:
        output: Path = options["output"]
        project = Project.objects.named(options["project"])
        container = self._container(output)
        if not output.absolute().parent.is_dir():
            raise DomainError(f"There is no folder {output.absolute().parent}.", fields={"output": "no such folder"})
        export = create_export(
            project=project,
            format=options["format"],
            policy=self._policy(options["policy"]),
            container=container,
            enqueue=False,
        )
        export = run_export(export_id=export.pk)
        if export.status != JobStatus.FINISHED:
            raise DomainError(export.error or f"The export is {export.status}.")
        files = self._copy(export, output, container)
        return {
            "export": export.pk,
            "rows": export.rows,
            "bytes": export.bytes,
            "sha256": export.sha256,
            "seconds": round(export.seconds or 0, 3),
            "files": files,
        }

    @staticmethod
    def _container(output: Path) -> str:
        # Longest first, since .jsonl.gz is more specific than .gz would be.
        for container in sorted(CONTAINERS, key=len, reverse=True):
            if output.name.endswith(f".{container}"):
                return container
        raise DomainError(
            f"The output {output.name} must end in one of {', '.join(CONTAINERS)}.", fields={"output": "unknown ending"}
        )

    @staticmethod
    def _policy(path: Path | None) -> dict[str, Any]:
        if path is None:
            return {}
        try:
            return read_json_object(path.read_bytes(), field="policy")
        except OSError as error:
            raise DomainError(f"{path} cannot be read: {error.strerror}.", fields={"policy": "unreadable"}) from error

    @staticmethod
    def _copy(export: Export, output: Path, container: str) -> list[str]:
        """Copy one file to the path, or each split beside it with the split's name before the ending.

        The manifest and the dataset card are written beside them, named after the output, with the new file names.
        """
        stem = output.name.removesuffix(f".{container}")
        names = list(export.policy["splits"]) or [""]
        files = [output.with_name(f"{stem}{name and '-'}{name}.{container}") for name in names]
        for index, file in enumerate(files):
            shutil.copyfile(part_path(export, index), file)
        manifest = with_part_names(export.manifest or {}, [file.name for file in files])
        output.with_name(f"{output.name}.manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
        output.with_name(f"{output.name}.README.md").write_text(dataset_card(manifest))
        return [str(file) for file in files]
