"""The files of a finished export in the project's storage."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.core.errors import NotFound
from apps.core.jobs.model import JobStatus
from apps.exports.audits.services import check_released
from apps.exports.models import Export

CARD, MANIFEST = "README.md", "manifest.json"


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A part, the dataset card or the manifest. `rows` is None where there are none to count."""

    name: str
    path: Path
    bytes: int
    sha256: str
    rows: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the file is there with the size that the export has recorded."""
        return self.path.is_file() and self.path.stat().st_size == self.bytes


def export_folder(export: Export) -> Path:
    return Path(settings.MEDIA_ROOT) / "exports" / export.project.slug / str(export.pk)


def refresh(export: Export) -> None:
    """Read the export again. One that was deleted meanwhile, as it can be once it is cancelled, is still cancelled."""
    try:
        export.refresh_from_db()
    except Export.DoesNotExist:
        export.status = JobStatus.CANCELLED


def remove_unfinished(export: Export) -> None:
    """Read the export again, and remove its files unless it is finished."""
    refresh(export)
    if export.status != JobStatus.FINISHED:
        shutil.rmtree(export_folder(export), ignore_errors=True)


def part_path(export: Export, index: int = 0) -> Path:
    """The path of one part of a finished export. Raises NotFound when there is none."""
    if export.status != JobStatus.FINISHED or not 0 <= index < len(export.parts):
        raise NotFound("No such file.")
    return export_folder(export) / str(export.parts[index]["name"])


def export_files(export: Export) -> list[ExportFile]:
    """The card, the manifest and the parts of a finished export; empty for any other."""
    if export.status != JobStatus.FINISHED:
        return []
    folder = export_folder(export)
    described = [_described(folder / name) for name in (CARD, MANIFEST) if (folder / name).is_file()]
    parts = [
        ExportFile(part["name"], folder / part["name"], part["bytes"], part["sha256"], part["rows"])
        for part in export.parts
    ]
    return [*described, *parts]


def export_file(export: Export, name: str) -> ExportFile:
    """The file of that name, to leave. Raises NotFound, and Conflict while an audit keeps it back."""
    check_released(export)
    for file in export_files(export):
        if file.name == name and file.path.is_file():
            return file
    raise NotFound("No such file.")


def _described(path: Path) -> ExportFile:
    content = path.read_bytes()
    return ExportFile(path.name, path, len(content), hashlib.sha256(content).hexdigest())
