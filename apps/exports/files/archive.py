"""All files of an export as one tar archive that is never written: its bytes follow from the files.

A tar needs no checksum of a file's content, so any range of it can be sent at once, and a download can be resumed.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from apps.core.errors import NotFound
from apps.exports.audits.services import check_released
from apps.exports.files.storage import ExportFile, export_files
from apps.exports.models import Export

Content = Path | bytes


@dataclass(frozen=True, slots=True)
class Archive:
    """The pieces of the archive in order, its name, and what identifies its content."""

    name: str
    etag: str
    pieces: Sequence[Content]


def archive_of(export: Export) -> Archive:
    """The archive of a finished export. Raises NotFound for any other, and if a file is missing; Conflict as a file does."""
    check_released(export)
    files = export_files(export)
    if not files or not all(file.is_whole for file in files):
        raise NotFound("No such file.")
    folder = f"export-{export.pk}"
    etag = hashlib.sha256("".join(file.name + file.sha256 for file in files).encode()).hexdigest()
    return Archive(f"{folder}.tar", etag, _pieces(files, folder))


def _pieces(files: Sequence[ExportFile], folder: str) -> list[Content]:
    """Headers, files and padding. The same files give the same bytes: there is no time or user in them."""
    pieces: list[Content] = []
    for file in files:
        header = tarfile.TarInfo(f"{folder}/{file.name}")
        header.size, header.mode = file.bytes, 0o644
        pieces += [header.tobuf(tarfile.PAX_FORMAT), file.path, bytes(-file.bytes % tarfile.BLOCKSIZE)]
    # An archive ends in two empty blocks, filled up to a record.
    size = sum(len(piece) for piece in pieces if isinstance(piece, bytes)) + sum(file.bytes for file in files)
    end = 2 * tarfile.BLOCKSIZE
    return [*pieces, bytes(end + -(size + end) % tarfile.RECORDSIZE)]
