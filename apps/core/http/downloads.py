"""Sending a file, or a range of it, so that a broken download can go on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_MOST_DIGITS = 18  # Of a byte's number. A longer one lies behind the end of every file.
BLOCK = 256 * 1024


def download(request: HttpRequest, path: Path) -> HttpResponseBase:
    """200 with the file, 206 with the one range asked for, 416 when there is no such range."""
    size = path.stat().st_size
    asked = _RANGE.fullmatch(request.headers.get("Range", ""))
    if asked is None or asked.group() == "bytes=-":
        answer: HttpResponseBase = FileResponse(path.open("rb"), as_attachment=True, filename=path.name)
        answer["Accept-Ranges"] = "bytes"
        return answer
    first, last = _bounds(asked.group(1), asked.group(2), size)
    if first > last:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    answer = StreamingHttpResponse(_blocks(path, first, last), status=206, content_type="application/octet-stream")
    answer["Content-Range"] = f"bytes {first}-{last}/{size}"
    answer["Content-Length"] = str(last - first + 1)
    answer["Accept-Ranges"] = "bytes"
    answer["Content-Disposition"] = f'attachment; filename="{path.name}"'
    return answer


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    """First and last byte. `bytes=-5` means the last five."""
    if not first:
        return max(0, size - _number(last)), size - 1
    return _number(first), min(_number(last), size - 1) if last else size - 1


def _number(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MOST_DIGITS else int("9" * _MOST_DIGITS)


def _blocks(path: Path, first: int, last: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(first)
        left = last - first + 1
        while left and (block := file.read(min(BLOCK, left))):
            left -= len(block)
            yield block
