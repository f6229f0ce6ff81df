r"""What an answer is made of: one expression, a pair in brackets, or a list.

Order counts inside brackets, `(1,2)` and `[0,1)`. It does not count in `\{1,2\}`, in "1 or 2", and in a bare list
`1,2`: problems whose answers are bare lists ask for "all solutions, separated by commas". Brackets are part of the
answer, so `(1,2)` is not `1,2`; round ones about a single expression say nothing and are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_DEPTH = 20
_SEPARATOR = re.compile(
    r"(?P<open>\\begin(?![A-Za-z])|\\langle(?![A-Za-z])|\\\{|[({\[])"
    r"|(?P<close>\\end(?![A-Za-z])|\\rangle(?![A-Za-z])|\\\}|[)}\]])"
    r"|\\[A-Za-z]+|\\."
    # The comma of 1,000 has one to three digits before it, not 0 alone, and three behind.
    r"|(?P<group>(?<=\d)(?<!\d{4})(?<!\b0),(?=\d{3}(?!\d)))"
    r"|(?P<split>[,;]|(?<![A-Za-z])(?:and|or)(?![A-Za-z]))",
    re.DOTALL,
)
_VARIABLE = re.compile(
    r"(?P<name>(?:[A-Za-z]{1,2}|\\text\s?\{[^{}]*\}|\\(?!text|frac|sqrt|pm|sin|cos|tan|log|ln)[A-Za-z]+)"
    r"\s?(?:_\{\w+\})?(?:\^\{-?\w+\})?\s?(?:\(\s?[A-Za-z]\s?\))?|\([A-Za-z](?:\s?,\s?[A-Za-z])+\s?\))\s?(?:=|(?P<member>\\in(?![A-Za-z])))\s?"
)
RELATION = re.compile(r"[=<>]|\\(?:le|ge|ne|in|cup|cap|setminus)(?![A-Za-z])")
_SIGNS = re.compile(r"\\pm(?![A-Za-z])")
_APPROXIMATE = re.compile(
    r"(?:\\approx(?![A-Za-z])|\\sim(?![A-Za-z])|(?:about|approximately|roughly) |=)\s?", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Shape:
    """`brackets` is "" for a leaf, ", " for an unordered list, and the two brackets for an ordered one.

    `text` is the expression without its variable (`x=5` is 5, with `variable` x); `whole` has it.
    """

    text: str
    whole: str
    variable: str = ""
    brackets: str = ""
    parts: tuple[Shape, ...] = ()

    def leaves(self) -> Iterator[Shape]:
        if not self.brackets:
            yield self
        for part in self.parts:
            yield from part.leaves()


def read_shape(cleaned: str) -> Shape:
    """The structure of a cleaned answer. Brackets nested deeper than 20 stay one expression."""
    return _read(cleaned, 0)


def read_as_list(cleaned: str) -> Shape | None:
    """`100,200` once more, as a list and not as a number with a thousands comma; None if it is neither."""
    parts = [part for part in cleaned.split(",") if part.strip()]
    if len(parts) < 2 or any(not part.strip().isdigit() or part.strip().startswith("0") for part in parts):
        return None
    return Shape(cleaned, cleaned, brackets=", ", parts=tuple(_read(part, 1) for part in parts))


def _read(text: str, depth: int) -> Shape:
    whole = text.strip()
    text, variable = _without_variable(_APPROXIMATE.sub("", whole, count=1) if _APPROXIMATE.match(whole) else whole)
    if depth > _DEPTH:
        return Shape(text, whole, variable)
    parts = _split(text, grouped=depth == 0)
    if len(parts) > 1:
        # The variable belongs to the first element: `x=1, y=2`.
        return _listed(_split(whole, grouped=depth == 0), whole, depth)
    return _bracketed(text, whole, variable, depth)


def _without_variable(text: str) -> tuple[str, str]:
    found = _VARIABLE.match(text)
    if found is None or RELATION.search(text, found.end()):
        return text, ""
    name = "" if found["member"] or found["name"].startswith("(") else found["name"]
    return text[found.end() :].strip(), name.replace(" ", "").lower()


def _listed(parts: list[str], whole: str, depth: int) -> Shape:
    return Shape(whole, whole, brackets=", ", parts=tuple(_read(part, depth + 1) for part in parts))


def _bracketed(text: str, whole: str, variable: str, depth: int) -> Shape:
    opening, inner, closing = _outer(text)
    if opening in {"\\{", "{"}:
        return _listed(_split(inner, grouped=False) or [inner], whole, depth)
    parts = _split(inner, grouped=False) if opening else []
    if len(parts) > 1:
        read = tuple(_read(part, depth + 1) for part in parts)
        return Shape(text, whole, variable, brackets=opening + closing, parts=read)
    if opening == "(" and closing == ")":
        bare = _read(inner, depth + 1)
        return bare if bare.variable or bare.parts else Shape(bare.text, whole if variable else bare.whole, variable)
    if len(_SIGNS.findall(text)) == 1:
        signed = tuple(_read(_SIGNS.sub(sign, whole), depth + 1) for sign in "+-")
        return Shape(text, whole, brackets=", ", parts=signed)
    return Shape(text, whole, variable)


def _outer(text: str) -> tuple[str, str, str]:
    """The bracket that opens the text and closes only at its end, what it holds, and its closing one."""
    depth = 0
    first = ""
    for token in _SEPARATOR.finditer(text):
        depth += bool(token["open"]) - bool(token["close"])
        if not first:
            if token.start() or token["open"] not in {"(", "[", "{", "\\{", "\\langle"}:
                break
            first = token["open"]
        elif depth == 0:
            if token.end() == len(text):
                return first, text[len(first) : token.start()].strip(), token.group()
            break
    return "", "", ""


def _split(text: str, *, grouped: bool) -> list[str]:
    """At the commas, semicolons, "and" and "or" outside of all brackets. Empty parts are dropped."""
    parts: list[str] = []
    depth = start = 0
    for token in _SEPARATOR.finditer(text):
        depth = max(0, depth + bool(token["open"]) - bool(token["close"]))
        separates = token["split"] or (token["group"] and not grouped)
        if separates and not depth:
            parts.append(text[start : token.start()].strip())
            start = token.end()
    parts.append(text[start:].strip())
    return [part for part in parts if part]
