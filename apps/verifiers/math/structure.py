r"""Parses the structure of an answer: one expression, a pair in brackets, a matrix, or a list.

Order counts inside brackets, `(1,2)` and `[0,1)`. It does not count in `\{1,2\}`, in "1 or 2", and in a bare list
`1,2`: problems whose answers are bare lists ask for "all solutions, separated by commas". Brackets are part of the
answer, so `(1,2)` is not `1,2`; parentheses around a single expression have no meaning and are dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from apps.verifiers.math.brackets import outer, split_outside
from apps.verifiers.math.kinds.matrices import read_matrix

_DEPTH = 20
_VARIABLE = re.compile(
    r"(?P<name>(?:[A-Za-z]{1,2}|\\text\s?\{[^{}]*\}"
    r"|\\(?!text|frac|sqrt|pm|mp|sin|cos|tan|log|ln|pi|boxed|begin|binom)[A-Za-z]+(?:\s?\{?[A-Z]{1,3}\}?)?"
    r"|[A-Za-z]{3,}(?: [A-Za-z]+){0,3}|\|[A-Z]{2}\||m\s?\\angle\s?[A-Z]{1,3})"
    r"\s?(?:_\{\w+\})?(?:\^\{-?\w+\})?\s?(?:\(\s?-?[\w, ]+\s?\))?"
    r"|\([A-Za-z](?:\s?,\s?[A-Za-z])+\s?\))\s?(?:=|(?P<member>\\in(?![A-Za-z])))\s?"
)
RELATION = re.compile(r"[=<>]|\\(?:le|ge|ne|in|cup|cap|setminus)(?![A-Za-z])")
_SIGNS = re.compile(r"\\(?P<sign>pm|mp)(?![A-Za-z])")
_APPROXIMATE = re.compile(
    r"(?:\\approx(?![A-Za-z])|\\sim(?![A-Za-z])|(?:about|approximately|roughly) |=)\s?", re.IGNORECASE
)
_GROUPED = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?!\d)")
_SPACED_COMMA = re.compile(r",\s")
UNORDERED = ", "
MATRIX = "matrix"
# With more signs, one element would have more values than answers list.
_MAX_SIGNS = 3


@dataclass(frozen=True, slots=True)
class Shape:
    """`brackets` is "" for a leaf, ", " for an unordered list, "matrix 2x3", and the two brackets for an ordered one.

    `text` is the expression without its variable (`x=5` is 5, with `variable` x); `whole` includes it.
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

    @property
    def is_vector(self) -> bool:
        """A matrix of one column or one row, or numbers between angle brackets."""
        return self.brackets.startswith("\\langle") or (
            self.brackets.startswith(MATRIX) and "1" in self.brackets.removeprefix(f"{MATRIX} ").split("x")
        )


def read_shape(cleaned: str) -> Shape:
    """The structure of a cleaned answer. Brackets nested deeper than 20 stay one expression."""
    return _read(cleaned, 0)


def read_grouped_shape(cleaned: str) -> Shape | None:
    """`(1,200, 3,400)` as two numbers with thousands commas; None if brackets contain no thousands comma.

    A pair `(1,200)` stays a pair: the result must have at least two elements.
    """
    ungrouped = _GROUPED.sub(lambda group: group.group().replace(",", ""), cleaned)
    if ungrouped == cleaned:
        return None
    shape = _read(ungrouped, 0)
    return shape if len(shape.parts) > 1 else None


def has_spaced_commas(cleaned: str) -> bool:
    """Whether some commas have a space, so that the others group thousands: `(1,200, 3,400)`."""
    return _SPACED_COMMA.search(cleaned) is not None


def read_as_list(cleaned: str) -> Shape | None:
    """`100,200` as a list instead of a number with a thousands comma; None if it is neither."""
    parts = [part for part in cleaned.split(",") if part.strip()]
    if len(parts) < 2 or any(not part.strip().isdigit() or part.strip().startswith("0") for part in parts):
        return None
    return Shape(cleaned, cleaned, brackets=UNORDERED, parts=tuple(_read(part, 1) for part in parts))


def _read(text: str, depth: int) -> Shape:
    whole = text.strip()
    text, variable = (_APPROXIMATE.sub("", whole, count=1) if _APPROXIMATE.match(whole) else whole), ""
    assigned = _VARIABLE.match(text)
    if assigned and not RELATION.search(text, assigned.end()):
        text = text[assigned.end() :].strip()
        if not assigned["member"] and not assigned["name"].startswith("("):
            variable = assigned["name"].replace(" ", "")
    if depth > _DEPTH:
        return Shape(text, whole, variable)
    parts = _elements(text, grouped=depth == 0)
    if len(parts) > 1:
        # The variable belongs to the first element: `x=1, y=2`.
        return _listed(_elements(whole, grouped=depth == 0), whole, depth)
    return _bracketed(text, whole, variable, depth)


def _elements(text: str, *, grouped: bool) -> list[str]:
    """The elements of a list. Unless `grouped`, the comma of 1,000 is a separator as well."""
    if not grouped:
        text = re.sub(r"(?<=\d),(?=\d)", ", ", text)
    return split_outside(text, ",", ";", "and", "or")


def _listed(parts: list[str], whole: str, depth: int) -> Shape:
    """An element with an ambiguous sign (`\\pm`) is two elements of the list."""
    elements: list[Shape] = []
    for part in parts:
        shape = _read(part, depth + 1)
        elements += shape.parts if shape.brackets == UNORDERED and _SIGNS.search(part) else [shape]
    return Shape(whole, whole, brackets=UNORDERED, parts=tuple(elements))


def _bracketed(text: str, whole: str, variable: str, depth: int) -> Shape:
    """The shape of a text that is not a bare list."""
    opening, inner, closing = outer(text)
    if opening == "\\{":
        return _listed(_elements(inner, grouped=False) or [inner], whole, depth)
    if _SIGNS.search(text):
        return _signed(text, whole, variable, depth)
    matrix = read_matrix(text)
    if matrix:
        entries = tuple(_read(entry, depth + 1) for row in matrix for entry in row)
        return Shape(text, whole, variable, f"{MATRIX} {len(matrix)}x{len(matrix[0])}", entries)
    parts = _elements(inner, grouped=False) if opening not in {"", "{"} else []
    if len(parts) > 1:
        shapes = tuple(_read(part, depth + 1) for part in parts)
        return Shape(text, whole, variable, brackets=opening + closing, parts=shapes)
    if opening + closing in {"()", "{}"}:
        # Brackets around a single expression have no meaning.
        bare = _read(inner, depth + 1)
        is_named = bare.variable or bare.parts
        return bare if is_named else Shape(bare.text, whole if variable else bare.whole, variable)
    return Shape(text, whole, variable)


def _signed(text: str, whole: str, variable: str, depth: int) -> Shape:
    r"""Each sign is chosen independently, but with `\mp` all signs are chosen together."""
    signs = list(_SIGNS.finditer(whole))
    if len(signs) > _MAX_SIGNS:
        return Shape(text, whole, variable)
    if any(sign["sign"] == "mp" for sign in signs):
        choices = [["+" if (sign["sign"] == "pm") == first else "-" for sign in signs] for first in (True, False)]
    else:
        choices = [
            ["-" if place >> assignment & 1 else "+" for assignment in range(len(signs))]
            for place in range(2 ** len(signs))
        ]
    shapes: list[Shape] = []
    for choice in choices:
        pieces = _SIGNS.split(whole)[::2]
        chosen = "".join(piece + sign for piece, sign in zip(pieces, [*choice, ""], strict=True))
        shapes.append(_read(chosen, depth + 1))
    return Shape(text, whole, brackets=UNORDERED, parts=tuple(shapes))
