"""Text in UTF-16 with a byte-order mark, as spreadsheets and PowerShell write it, as a stream of UTF-8. Pure."""

from __future__ import annotations

import codecs
import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_CHUNK = 64 * 1024


def is_utf16(head: bytes) -> bool:
    """Whether the first bytes are the mark of UTF-16, and not that of UTF-32, which begins alike."""
    return head[:2] in _MARKS and head[:4] != codecs.BOM_UTF32_LE


def as_utf8(stream: io.BufferedReader) -> io.BufferedReader:
    """The stream itself, or one that decodes it. Its reads raise UnicodeDecodeError where it is no UTF-16."""
    if not is_utf16(stream.peek(4)[:4]):
        return stream
    return io.BufferedReader(_Decoded(stream), _CHUNK)


class _Decoded(io.RawIOBase):
    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-16")()
        self._bytes = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        while not self._bytes:
            content = self._stream.read(_CHUNK)
            self._bytes = self._decoder.decode(content, final=not content).encode()
            if not content:
                break
        view = memoryview(buffer)
        size = min(len(view), len(self._bytes))
        view[:size], self._bytes = self._bytes[:size], self._bytes[size:]
        return size
