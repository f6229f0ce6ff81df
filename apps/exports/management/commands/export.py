"""export --project SLUG --format F [--policy FILE] [--container C] --output PATH"""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from apps.core.commands import JsonCommand, Result
from apps.core.errors import DomainError
from apps.core.jobs.model import JobStatus
from apps.core.json_input import read_json_object
from apps.exports.contamination import add_contamination_list
from apps.exports.files.output import check_folder, container_of, write_file, write_folder
from apps.exports.files.writers import CONTAINERS
from apps.exports.formats import FORMAT_NAMES
from apps.exports.run import run_export
from apps.exports.services import create_export
from apps.projects.models import Project


class Command(JsonCommand):
    help = "Export a project's labels in this process, without a worker: to a file, or with its parts to a folder."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        endings = ", ".join(f".{name}" for name in CONTAINERS)
        parser.add_argument("--project", required=True, help="Slug of the project.")
        parser.add_argument("--format", required=True, choices=FORMAT_NAMES)
        parser.add_argument("--policy", type=Path, help="JSON file; see docs/export-formats.md.")
        parser.add_argument(
            "--contamination",
            type=Path,
            nargs="+",
            default=[],
            help="Files of test problems; problems that share 13 words in a row with one of them are left out.",
        )
        parser.add_argument("--container", choices=CONTAINERS, help="Of a folder's files; jsonl by default.")
        parser.add_argument(
            "--output", type=Path, required=True, help=f"A file that ends in {endings}, or a folder, without an ending."
        )

    def perform(self, **options: Any) -> Result:
        output: Path = options["output"]
        project = Project.objects.named(options["project"])
        container, is_folder = self._target(output, options["container"])
        export = create_export(
            project=project,
            format=options["format"],
            policy=self._with_lists(self._policy(options["policy"]), project, options["contamination"]),
            container=container,
            enqueue=False,
        )
        with self.watching(export, unit="solutions and comparisons"):
            export = run_export(export_id=export.pk)
        if export.status != JobStatus.FINISHED:
            raise DomainError(export.error or f"The export is {export.status}.")
        written = write_folder(export, output) if is_folder else write_file(export, output)
        if written.advice:
            self.stderr.write(written.advice)
        return {
            "export": export.pk,
            "rows": export.rows,
            "bytes": written.bytes,
            "sha256": written.sha256,
            "seconds": round(export.seconds or 0, 3),
            "files": [str(file) for file in written.files],
        }

    @staticmethod
    def _with_lists(policy: dict[str, Any], project: Project, files: list[Path]) -> dict[str, Any]:
        """The policy with the files of test problems in `contamination`. The project keeps them as lists of their names."""
        named = policy.get("contamination", [])
        if not files or not isinstance(named, list):
            return policy
        for path in files:
            try:
                named = [*named, add_contamination_list(project=project, path=path, name=path.name).name]
            except OSError as error:
                raise DomainError(
                    f"{path} cannot be read: {error.strerror}.", fields={"contamination": "unreadable"}
                ) from error
        return policy | {"contamination": named}

    @staticmethod
    def _target(output: Path, container: str | None) -> tuple[str, bool]:
        """The container, and whether the output is a folder. Raises DomainError before anything is exported."""
        named = container_of(output)
        if named and not output.is_dir():
            if container not in (None, named):
                raise DomainError(
                    f"The output {output.name} is {named}: leave --container {container} out, or change the ending.",
                    fields={"container": "differs from the ending"},
                )
            if not output.absolute().parent.is_dir():
                raise DomainError(
                    f"There is no folder {output.absolute().parent}.", fields={"output": "no such folder"}
                )
            return named, False
        if output.suffix and not output.is_dir():
            raise DomainError(
                f"The output {output.name} must end in one of {', '.join(CONTAINERS)}, or be a folder, without an ending.",
                fields={"output": "unknown ending"},
            )
        check_folder(output)
        return container or "jsonl", True

    @staticmethod
    def _policy(path: Path | None) -> dict[str, Any]:
        if path is None:
            return {}
        try:
            return read_json_object(path.read_bytes(), field="policy")
        except OSError as error:
            raise DomainError(f"{path} cannot be read: {error.strerror}.", fields={"policy": "unreadable"}) from error
