"""The limit on the size of uploaded files, enforced while they stream in: a file that is too large is never stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler

from apps.core.errors import DomainError

_REFUSED = "annotate.refused_upload"
MIB = 1024**2


class UploadTooLarge(DomainError):
    code = "too_large"
    status = 413


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Writes uploads to temporary files, up to a limit that all files of a request share: a form may send a hundred.

    A file beyond the limit is dropped, and the request's META records it. Django creates a handler for each request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._received += len(raw_data)
        if self._received > settings.UPLOAD_LIMIT:
            meta: MutableMapping[str, Any] = self.request.META  # type: ignore[union-attr]
            shared = " together with the other files" if self._received > start + len(raw_data) else ""
            limit = f"{settings.UPLOAD_LIMIT // MIB:,} MiB, the limit that UPLOAD_LIMIT_MB sets"
            meta[_REFUSED] = f"is{shared} larger than {limit}"
            # Delete the partial file now instead of when it is garbage-collected.
            self.file.close()
            raise SkipFile
        super().receive_data_chunk(raw_data, start)


def refused_upload(meta: Mapping[str, Any]) -> str | None:
    """Why a file of the request was dropped; None if all were stored. The body must have been read."""
    return meta.get(_REFUSED)


def check_upload(meta: Mapping[str, Any]) -> None:
    """Raise UploadTooLarge, field `file`, if a file of the request was dropped."""
    reason = refused_upload(meta)
    if reason is not None:
        raise UploadTooLarge(f"The file {reason}.", fields={"file": reason})


@contextmanager
def on_disk(file: UploadedFile[Any]) -> Iterator[Path]:
    """The path of an uploaded file while the block runs. LimitedUploadHandler has written it to disk."""
    if isinstance(file, TemporaryUploadedFile):
        yield Path(file.temporary_file_path())
        return
    with NamedTemporaryFile() as copy:
        copy.writelines(file.chunks())
        copy.flush()
        yield Path(copy.name)
