"""File downloads, whole or by range, so that an interrupted download can be resumed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_MOST_DIGITS = 18  # Of a byte position. A longer number lies beyond the end of every file.
BLOCK = 256 * 1024


def download(request: HttpRequest, path: Path) -> HttpResponseBase:
    """200 with the file, 206 with the requested range, 416 if the file has no such range."""
    size = path.stat().st_size
    byte_range = _RANGE.fullmatch(request.headers.get("Range", ""))
    if byte_range is None or byte_range.group() == "bytes=-":
        response: HttpResponseBase = FileResponse(path.open("rb"), as_attachment=True, filename=path.name)
        response["Accept-Ranges"] = "bytes"
        return response
    first, last = _bounds(byte_range.group(1), byte_range.group(2), size)
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    response = StreamingHttpResponse(_blocks(path, first, last), status=206, content_type="application/octet-stream")
    response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Content-Length"] = str(last - first + 1)
    response["Accept-Ranges"] = "bytes"
    response["Content-Disposition"] = f'attachment; filename="{path.name}"'
    return response


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """Positions of the first and the last byte. `bytes=-5` means the last five bytes."""
    if not first:
        return max(0, size - _number(last)), size - 1
    return _number(first), min(_number(last), size - 1) if last else size - 1


def _number(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MOST_DIGITS else int("9" * _MOST_DIGITS)


def _blocks(path: Path, first: int, last: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        remaining = last - first + 1
        while remaining and (block := file.read(min(BLOCK, remaining))):
            remaining -= len(block)
            yield block
