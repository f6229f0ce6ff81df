"""Downloads of files, whole or by range, so that an interrupted download can be resumed (RFC 9110, 13 and 14)."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header, parse_etags

_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_MOST_DIGITS = 18  # Of a byte position. A longer number lies beyond the end of every file.
BLOCK = 256 * 1024

Content = Path | bytes


def download(request: HttpRequest, path: Path, *, etag: str = "") -> HttpResponseBase:
    """The file or the requested range of it. `etag` identifies its content, such as a SHA-256."""
    return download_joined(request, [path], name=path.name, etag=etag)


def download_joined(request: HttpRequest, pieces: Sequence[Content], *, name: str, etag: str = "") -> HttpResponseBase:
    """The pieces, one after the other, as one file.

    200 with all of it, 206 with the requested range, 304 if the client has it already, 416 if there is no such range. A
    range of another version than `If-Range` names is answered with the whole file.
    """
    sizes = [len(piece) if isinstance(piece, bytes) else piece.stat().st_size for piece in pieces]
    size, tag = sum(sizes), f'"{etag}"' if etag else ""
    headers = {"Accept-Ranges": "bytes", **({"ETag": tag} if tag else {})}
    if tag and {tag, "*"} & {
        known.removeprefix("W/") for known in parse_etags(request.headers.get("If-None-Match", ""))
    }:
        return HttpResponse(status=304, headers=headers)
    byte_range = _range(request, tag)
    first, last = _bounds(byte_range, size) if byte_range else (0, size - 1)
    if byte_range and first > last:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    headers["Content-Length"] = str(last - first + 1)
    headers["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or "attachment"
    if byte_range:
        headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    return StreamingHttpResponse(
        _blocks(pieces, sizes, first, last),
        status=206 if byte_range else 200,
        content_type=_content_type(name),
        headers=headers,
    )


def _range(request: HttpRequest, tag: str) -> re.Match[str] | None:
    """The one range that the request asks for; None for the whole file, for several ranges, and for a changed file."""
    byte_range = _RANGE.fullmatch(request.headers.get("Range", ""))
    condition = request.headers.get("If-Range", "").strip()
    is_current = not condition or (bool(tag) and condition == tag)
    return byte_range if byte_range and byte_range.group() != "bytes=-" and is_current else None


def _content_type(name: str) -> str:
    type_, encoding = mimetypes.guess_type(name)
    # Compressed content is the file itself, not its transfer encoding: clients must not unpack it.
    return type_ if type_ and not encoding else "application/octet-stream"


def _bounds(byte_range: re.Match[str], size: int) -> tuple[int, int]:
    """Positions of the first and the last byte. `bytes=-5` means the last five bytes."""
    first, last = byte_range.groups()
    if not first:
        return max(0, size - _number(last)), size - 1
    return _number(first), min(_number(last), size - 1) if last else size - 1


def _number(digits: str) -> int:
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) <= _MOST_DIGITS else int("9" * _MOST_DIGITS)


def _blocks(pieces: Sequence[Content], sizes: Sequence[int], first: int, last: int) -> Iterator[bytes]:
    """The bytes from `first` to `last` of the pieces one after the other."""
    begin = 0
    for piece, size in zip(pieces, sizes, strict=True):
        low, high = max(first - begin, 0), min(last - begin + 1, size)
        begin += size
        if low >= high:
            continue
        if isinstance(piece, bytes):
            yield piece[low:high]
        else:
            yield from _file_blocks(piece, low, high)


def _file_blocks(path: Path, low: int, high: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(low)
        remaining = high - low
        while remaining and (block := file.read(min(BLOCK, remaining))):
            remaining -= len(block)
            yield block
