"""The size that the uploaded files of a request may have, held while they stream in: what is too large is never kept."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import SkipFile, TemporaryFileUploadHandler

from apps.core.errors import DomainError

_REFUSED = "annotate.refused_upload"
MIB = 1024**2


class TooLarge(DomainError):
    code = "too_large"
    status = 413


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Keeps files in temporary ones up to the limit, which all files of a request share: a form may send a hundred.

    Beyond it the file is dropped, and the request says so. Django makes a handler for each request.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._received += len(raw_data)
        if self._received > settings.UPLOAD_LIMIT:
            meta: MutableMapping[str, Any] = self.request.META  # type: ignore[union-attr]
            others = " together with the other files" if self._received > start + len(raw_data) else ""
            limit = f"{settings.UPLOAD_LIMIT // MIB:,} MiB, the limit that UPLOAD_LIMIT_MB sets"
            meta[_REFUSED] = f"is{others} larger than {limit}"
            # What came of it does not wait for the garbage collector.
            self.file.close()
            raise SkipFile
        super().receive_data_chunk(raw_data, start)


def refused_upload(meta: Mapping[str, Any]) -> str | None:
    """Why a file of the request, whose body has been read, was not kept; None where all were."""
    return meta.get(_REFUSED)


def check_upload(meta: Mapping[str, Any]) -> None:
    """Raises TooLarge, field `file`, where a file of the request was not kept."""
    reason = refused_upload(meta)
    if reason is not None:
        raise TooLarge(f"The file {reason}.", fields={"file": reason})
