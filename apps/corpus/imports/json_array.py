"""The elements of a JSON array as they are written in the file, one in memory at a time. Pure.

The standard library's decoder finds where an element ends; the reader of the element decodes it with the checks that a
line of JSON Lines gets. ijson streams arrays too, but cannot serve here: of two equal keys it keeps the last, it turns
half of a surrogate pair into a question mark, it ends the file at a NaN, and it does not return the text of an element.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator

CHUNK = 1024**2  # Bytes that are read at once.
ELEMENT_LIMIT = 256 * 1024**2  # Characters: an element is in memory as a whole.

_SPACE = re.compile(r"[ \t\n\r]*")
# Numbers stay texts: only the end of the element is of interest.
_DECODER = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
# At the end of the text that was read, a literal or an escape of this many characters may be cut in two.
_LONGEST_LITERAL = 20


def array_elements(start: bytes, stream: io.BufferedIOBase) -> Iterator[bytes]:
    """The elements of the array that begins with `start` and continues in `stream`.

    Raises ValueError where the text is no JSON array from there on, or an element is longer than ELEMENT_LIMIT;
    RecursionError for an element that nests too deeply.
    """
    window = _Window(start.lstrip().removeprefix(b"["), stream)
    if window.next_sign() != "]":
        yield window.take_value()
        while window.next_sign() == ",":
            window.skip_sign()
            yield window.take_value()
    if (sign := window.next_sign()) != "]":
        raise ValueError(f"expected a comma or ], found {sign!r}" if sign else "the array has no end")
    window.skip_sign()
    if sign := window.next_sign():
        raise ValueError(f"{sign!r} follows the end of the array")


class _Window:
    """The text that has been read and not been used. Bytes that are not UTF-8 are kept, for their row to be rejected."""

    def __init__(self, start: bytes, stream: io.BufferedIOBase) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._text, self._place = self._decoder.decode(start), 0

    def _grow(self) -> bool:
        """Reads as much again as is unused; False at the end of the stream."""
        self._text, self._place = self._text[self._place :], 0
        content = self._stream.read(max(CHUNK, len(self._text)))
        self._text += self._decoder.decode(content, final=not content)
        return bool(content)

    def next_sign(self) -> str:
        """The next character that is not white space, which becomes the first of the text; empty at the end."""
        while True:
            match = _SPACE.match(self._text, self._place)
            assert match is not None
            self._place = match.end()
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._grow():
                return ""

    def skip_sign(self) -> None:
        self._place += 1

    def take_value(self) -> bytes:
        """The next value as it is written."""
        self.next_sign()
        while True:
            try:
                _, end = _DECODER.raw_decode(self._text, self._place)
            except json.JSONDecodeError as error:
                is_cut = "Unterminated" in error.msg or error.pos > len(self._text) - _LONGEST_LITERAL
                if not is_cut or len(self._text) > ELEMENT_LIMIT or not self._grow():
                    raise ValueError(error.msg) from None
                continue
            # A number at the end of the text may continue.
            if end < len(self._text) or not self._grow():
                value, self._place = self._text[self._place : end], end
                return value.encode(errors="surrogateescape")
