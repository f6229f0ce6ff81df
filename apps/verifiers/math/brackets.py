r"""Splits answers outside of all brackets, braces and environments."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"(?P<open>\\begin(?![A-Za-z])|\\langle(?![A-Za-z])|\\\{|[({\[])"
    r"|(?P<close>\\end(?![A-Za-z])|\\rangle(?![A-Za-z])|\\\}|[)}\]])"
    r"|(?P<group>(?<=\d)(?<!\d{4})(?<!\b0),(?=\d{3}(?!\d)))"
    r"|(?P<word>\\[A-Za-z]+|\\.|(?<![A-Za-z])(?:and|or|to)(?![A-Za-z])|[,;:])",
    re.DOTALL,
)
_OPENING = frozenset(["(", "[", "{", "\\{", "\\langle"])


def split_outside(text: str, *separators: str) -> list[str]:
    """The pieces between separators outside of all brackets. The comma of 1,000 is not a separator."""
    pieces: list[str] = []
    depth = start = 0
    for token in _TOKEN.finditer(text):
        depth = max(0, depth + bool(token["open"]) - bool(token["close"]))
        if not depth and token["word"] in separators:
            pieces.append(text[start : token.start()].strip())
            start = token.end()
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]


def outer(text: str) -> tuple[str, str, str]:
    """The bracket that opens the text and closes only at its end, its contents, and its closing bracket; else blanks."""
    depth = 0
    first = ""
    for token in _TOKEN.finditer(text):
        depth += bool(token["open"]) - bool(token["close"])
        if not first:
            if token.start() or token["open"] not in _OPENING:
                break
            first = token["open"]
        elif depth == 0:
            if token.end() == len(text):
                return first, text[len(first) : token.start()].strip(), token.group()
            break
    return "", "", ""
