"""The size that an uploaded file may have, held while it streams in: what is too large is never kept."""

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
    """Keeps a file in a temporary one up to the limit; beyond it the file is dropped, and the request says so."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if start + len(raw_data) > settings.UPLOAD_LIMIT:
            meta: MutableMapping[str, Any] = self.request.META  # type: ignore[union-attr]
            meta[_REFUSED] = f"is larger than {settings.UPLOAD_LIMIT // MIB:,} MiB, the limit that UPLOAD_LIMIT_MB sets"
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
