r"""JSON as models write it: in a fence or within prose, with comments, trailing commas, other quotes or bare keys. Pure.

LaTeX within strings is often not escaped: `\frac` and `\times` keep their backslash, although `\f` and `\t` are JSON's
escapes. A key that comes twice with different values makes an object invalid.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_SPACE = re.compile(r"(?:\s+|//[^\n]*|/\*.*?\*/|#[^\n]*)*", re.DOTALL)
# A quote within a string closes it only where a value may end.
_END = r"(?=\s*(?:[,}\]:]|//|/\*|#|\Z))"
_STRING = re.compile(
    rf'"((?:[^"\\]|\\.|"(?!{_END[3:-1]}))*)"{_END}'
    rf"|'((?:[^'\\]|\\.|'(?!{_END[3:-1]}))*)'{_END}"
    rf"|“([^”]*)”{_END}",
    re.DOTALL,
)
_BARE_KEY = re.compile(r"[A-Za-z_]\w*(?=\s*:)|-?\d{1,9}(?=\s*:)")
_NUMBER = re.compile(r"[-+]?\d{1,15}(?:\.\d{1,15})?(?:[eE][-+]?\d{1,2})?(?![\w.])")
_WORD = re.compile(r"(true|false|null|none)\b", re.IGNORECASE)
_WORDS = {"true": True, "false": False, "null": None, "none": None}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LATEX = re.compile(
    r"\\(?:[bf][A-Za-z]|n(?:eq?|u|abla|ot(?:in)?|eg|mid|parallel|less|gtr)(?![A-Za-z])"
    r"|r(?:ight\w*|ho|angle|ceil|floor|m)(?![A-Za-z])"
    r"|t(?:ext\w*|imes|heta|au|an|frac|o|riangle\w*|ag|ilde|herefore|op)(?![A-Za-z])|u(?![0-9a-fA-F]{4}))"
)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\", "/": "/"}
# What may be JSON: an object with a key, a list of objects, or a list of texts. Most braces and brackets are others.
_OPENING = re.compile(
    r"""(?P<quoted>(?:\[\s{0,20}){0,2}\{\s*["'“]\w{1,60}["'”]\s*:)|\{\s*(?:[A-Za-z_]\w{0,60}|-?\d{1,9})\s*:|\[\s*["'“]\w{1,20}["'”]\s*[,\]]"""
)
_MOST_DEPTH = 32
_MOST_FAILURES = 100


class InvalidJson(ValueError):
    """The text is not JSON, even loosely."""


@dataclass(frozen=True, slots=True)
class FoundJson:
    """An object or a list within a text. `is_broken`: it begins like one, but cannot be read."""

    value: Any
    start: int
    end: int
    is_broken: bool = False


def json_values(text: str) -> list[FoundJson]:
    """The objects and lists of the text that are not within others, in order, up to the first broken one."""
    found: list[FoundJson] = []
    position, failures = 0, 0
    while failures < _MOST_FAILURES and (opening := _OPENING.search(text, position)):
        start = opening.start()
        try:
            value, position = _Parser(text).value(start, 0)
        except InvalidJson:
            if opening.group("quoted"):
                return [*found, FoundJson(None, start, len(text), is_broken=True)]
            position, failures = start + 1, failures + 1
        else:
            found.append(FoundJson(value, start, position))
    return found


class _Parser:
    """A recursive descent over one text: each method takes a position, and returns a value and the position after it."""

    def __init__(self, text: str) -> None:
        self.text = text

    def value(self, start: int, depth: int) -> tuple[Any, int]:
        if depth > _MOST_DEPTH:
            raise InvalidJson
        position = self._after_space(start)
        match self.text[position : position + 1]:
            case "{":
                return self._object(position + 1, depth)
            case "[":
                return self._list(position + 1, depth)
            case '"' | "'" | "“":
                return self._string(position)
            case _:
                return self._word(position)

    def _object(self, start: int, depth: int) -> tuple[dict[str, Any], int]:
        values: dict[str, Any] = {}
        position = self._after_space(start)
        while self.text[position : position + 1] != "}":
            key, position = self._key(position)
            if self.text[position : position + 1] != ":":
                raise InvalidJson
            value, position = self.value(position + 1, depth + 1)
            if key in values and values[key] != value:
                raise InvalidJson
            values[key] = value
            position = self._after_item(position, "}")
        return values, position + 1

    def _list(self, start: int, depth: int) -> tuple[list[Any], int]:
        values: list[Any] = []
        position = self._after_space(start)
        while self.text[position : position + 1] != "]":
            value, position = self.value(position, depth + 1)
            values.append(value)
            position = self._after_item(position, "]")
        return values, position + 1

    def _key(self, position: int) -> tuple[str, int]:
        bare = _BARE_KEY.match(self.text, position)
        key, end = (bare.group(), bare.end()) if bare else self._string(position)
        return key, self._after_space(end)

    def _after_item(self, start: int, closing: str) -> int:
        """The position of the next item, or of the closing bracket. A comma before it is allowed."""
        position = self._after_space(start)
        if self.text[position : position + 1] == ",":
            return self._after_space(position + 1)
        if self.text[position : position + 1] != closing:
            raise InvalidJson
        return position

    def _string(self, position: int) -> tuple[str, int]:
        match = _STRING.match(self.text, position)
        if match is None:
            raise InvalidJson
        return unescaped(next(group for group in match.groups() if group is not None)), match.end()

    def _word(self, position: int) -> tuple[Any, int]:
        if number := _NUMBER.match(self.text, position):
            is_whole = number.group().lstrip("+-").isdigit()
            return (int if is_whole else float)(number.group()), number.end()
        if word := _WORD.match(self.text, position):
            return _WORDS[word.group(1).lower()], word.end()
        raise InvalidJson

    def _after_space(self, position: int) -> int:
        match = _SPACE.match(self.text, position)
        return match.end() if match else position


def unescaped(text: str) -> str:
    """The text of a string literal. A backslash that is no escape, or that begins a command of LaTeX, stays."""

    def character(match: re.Match[str]) -> str:
        escape = match.group(1)
        if _LATEX.match(text, match.start()):
            return match.group()
        if len(escape) == 5:
            return chr(int(escape[1:], 16))
        return _ESCAPED.get(escape, match.group())

    plain = _ESCAPE.sub(character, text)
    # Pairs of surrogates are one character; a lone one cannot be stored.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace").replace("\x00", "\ufffd")
