r"""Parses sets of real numbers in any notation: intervals, inequalities, unions, set builders, words.

A `ReadSet` is a tree whose leaves are formulas. Of several letters, one is the unknown, and the others are parameters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from apps.verifiers.latex.normalize import untext
from apps.verifiers.math.brackets import outer, split_outside
from apps.verifiers.math.formulas.identity import letters_of, read
from apps.verifiers.math.formulas.parser import Letter, Node, UnreadableFormula
from apps.verifiers.math.kinds.words import names_no_solution


class NotASet(ValueError):
    """The text does not denote a set of real numbers in a known notation."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An end of None is infinite."""

    low: Node | None = None
    low_closed: bool = False
    high: Node | None = None
    high_closed: bool = False


@dataclass(frozen=True, slots=True)
class Combination:
    """`union`, `intersection`, `difference`, or `list`: conditions with commas, a union or an intersection."""

    kind: str
    parts: tuple[SetNode, ...]


SetNode = Interval | Combination

REALS = Interval()
EMPTY = Combination("union", ())

_REALS = re.compile(
    r"(?:the set of )?(?:all|any|every|each)? ?(?:of )?(?:the )?"
    r"(?:real(?: numbers?| values?| number line)?s?|\\mathbb\{R\}|\\mathbf\{R\})"
    r"(?: [a-z]| for [a-z])?|(?:all|any) (?:values of )?(?:x|t|y)",
    re.IGNORECASE,
)
_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), sign)
    for pattern, sign in (
        (
            r"\bis (?:greater|more|larger|bigger) than or equal to\b|\bis at least\b|\bgreater than or equal to\b",
            r"\\ge ",
        ),
        (r"\bis (?:less|smaller|fewer) than or equal to\b|\bis at most\b|\bless than or equal to\b", r"\\le "),
        (r"\bis (?:strictly )?(?:greater|more|larger|bigger) than\b|\bgreater than\b", ">"),
        (r"\bis (?:strictly )?(?:less|smaller|fewer) than\b|\bless than\b", "<"),
        (r"\bis not equal to\b|\bdoes not equal\b|\bis not\b|\bnot equal to\b", r"\\ne "),
        (r"\bis equal to\b|\bequals\b", "="),
        (r"\bunion\b", r"\\cup "),
        (r"\bintersection\b", r"\\cap "),
        (r"\b(?:except|excluding|other than|but not|without|apart from)(?: for)?\b(?: when| where)?", r"\\setminus "),
        (r"\b(?:where|with|such that|for which|satisfying)\b", r"\\mid "),
        (r"\beither\b", ""),
    )
)
_RELATION = re.compile(r"<|>|=|\\(?:le|ge|ne|in|notin)(?![A-Za-z])")
_SET_SIGN = re.compile(
    r"\\(?:cup|cap|setminus|mathbb|emptyset|mid)(?![A-Za-z])|[<>]|\\(?:le|ge|ne|in)(?![A-Za-z])|\\\{[^{}]*[:|]"
)
_SIGNED_REALS = re.compile(
    r"(?:all |the set of )*(?P<kind>positive|negative|non-?negative|non-?positive|non-?zero) (?:real numbers?|reals|numbers?)",
    re.IGNORECASE,
)
_SIGNED = {"positive": ">", "negative": "<", "nonnegative": "\\ge", "nonpositive": "\\le", "nonzero": "\\ne"}
_UNKNOWN = re.compile(r"(?:[A-Za-z]|\\[A-Za-z]+)\s?(?:_\{\w+\})?")
_DISTANCE = re.compile(r"\|\s*(?P<name>[A-Za-z])\s*(?P<shift>[+-][^|]*)?\|")
_BUILDER = re.compile(r"(?P<head>[^:|]*?)(?::|\||\\mid(?![A-Za-z])|\\colon)(?P<condition>.*)", re.DOTALL)
_INFINITE = {"\\infty": 1, "+\\infty": 1, "-\\infty": -1}
_FLIPPED = {"<": ">", ">": "<", "\\le": "\\ge", "\\ge": "\\le", "=": "=", "\\ne": "\\ne"}


def looks_like_set(cleaned: str) -> bool:
    """Whether only a set is written in this way. A bracket with two numbers alone may be a point."""
    if _SET_SIGN.search(cleaned) is not None:
        return True
    words = " ".join(untext(cleaned).split())
    return words[:1].isalpha() and (
        (_REALS.match(words) or _SIGNED_REALS.fullmatch(words)) is not None
        or names_no_solution(cleaned)
        or any(word.search(words) for word, _ in _WORDS[:6])
    )


class ReadSet:
    """One side: the tree, and the unknown that its conditions name."""

    def __init__(self, cleaned: str) -> None:
        """Raises NotASet."""
        self.unknown = ""
        text = " ".join(untext(cleaned).split())
        if names_no_solution(text):
            self.tree: SetNode = EMPTY
            return
        for pattern, sign in _WORDS:
            text = pattern.sub(sign, text)
        self.tree = self._union(text.strip(" ."), 0)

    @property
    def parameters(self) -> frozenset[str]:
        return _letters(self.tree)

    def _union(self, text: str, depth: int) -> SetNode:
        if depth > 20:
            raise NotASet("nested too deeply")
        parts = split_outside(text, "or", "\\cup")
        if len(parts) > 1:
            return Combination("union", tuple(self._intersection(part, depth + 1) for part in parts))
        return self._intersection(text, depth)

    def _intersection(self, text: str, depth: int) -> SetNode:
        parts = split_outside(text, "and", "\\cap")
        if len(parts) > 1:
            return Combination("intersection", tuple(self._listed(part, depth + 1) for part in parts))
        return self._listed(text, depth)

    def _listed(self, text: str, depth: int) -> SetNode:
        parts = split_outside(text, ",", ";", "\\mid")
        if len(parts) > 1 and _RELATION.search(text):
            if _REALS.fullmatch(parts[0].strip()):
                return Combination("intersection", tuple(self._difference(part, depth + 1) for part in parts))
            if not all(_RELATION.search(part) for part in parts):
                # `x = 1, 2, 3` and `x \ne 2, 3`: the relation holds for each.
                relation = _RELATION.search(parts[0])
                if relation is None or any(_RELATION.search(part) for part in parts[1:]):
                    raise NotASet(parts[0])
                head = parts[0][: relation.end()]
                conditions = [parts[0], *(f"{head} {part}" for part in parts[1:])]
                kind = "intersection" if relation.group() == "\\ne" else "union"
                return Combination(kind, tuple(self._condition(condition) for condition in conditions))
            return Combination("list", tuple(self._difference(part, depth + 1) for part in parts))
        if len(parts) > 1 and not outer(text)[0]:
            return self._points(parts)
        return self._difference(text, depth)

    def _difference(self, text: str, depth: int) -> SetNode:
        parts = split_outside(text, "\\setminus")
        if len(parts) == 2:
            is_set = _RELATION.search(parts[1]) or outer(parts[1])[0]
            excluded = (
                self._union(parts[1], depth + 1) if is_set else self._points(split_outside(parts[1], ",", "and", "or"))
            )
            return Combination("difference", (self._union(parts[0], depth + 1), excluded))
        spaced = re.fullmatch(r"(.*\S)\s*-\s*(\\\{.*\\\})", text)
        if spaced and not outer(text)[0]:
            return Combination("difference", (self._union(spaced[1], depth + 1), self._union(spaced[2], depth + 1)))
        return self._atom(text.strip(), depth)

    def _atom(self, text: str, depth: int) -> SetNode:
        if _REALS.fullmatch(text) or text == "R":
            return REALS
        signed = _SIGNED_REALS.fullmatch(text)
        if signed:
            return self._condition(f"x {_SIGNED[signed['kind'].lower().replace('-', '')]} 0")
        if text in {"\\emptyset", "\\{\\}", "\\{ \\}"}:
            return EMPTY
        opening, inner, closing = outer(text)
        if opening in {"\\{", "{"}:
            builder = _BUILDER.fullmatch(inner)
            return self._set_builder(builder, depth) if builder else self._points(split_outside(inner, ",", ";"))
        if opening in {"(", "["} and not _RELATION.search(inner):
            return self._between(opening, inner, closing, depth)
        return self._union(inner, depth + 1) if opening == "(" else self._condition(text)

    def _between(self, opening: str, inner: str, closing: str, depth: int) -> SetNode:
        """The comma of (1,203) separates two ends, that of (1,200, 3,400) groups digits."""
        ends = split_outside(inner, ",", ";")
        if len(ends) != 2:
            ends = split_outside(re.sub(r"(?<=\d),(?=\d)", ", ", inner), ",", ";")
        if len(ends) == 1 and opening == "(":
            return self._union(inner, depth + 1)
        if len(ends) != 2:
            raise NotASet(inner)
        return self._interval(opening, ends, closing)

    def _set_builder(self, builder: re.Match[str], depth: int) -> SetNode:
        r"""The contents of `\{x \in A \mid x < 2\}`."""
        head, condition = builder["head"].strip(), builder["condition"].strip()
        if "\\in" not in head:
            self._name(head)
            return self._union(condition, depth + 1)
        name, _, domain = head.partition("\\in")
        self._name(name.strip())
        return Combination("intersection", (self._union(domain, depth + 1), self._union(condition, depth + 1)))

    def _name(self, unknown: str) -> None:
        unknown = unknown.replace(" ", "")
        if not _UNKNOWN.fullmatch(unknown) or (self.unknown and self.unknown != unknown):
            raise NotASet("more than one unknown")
        self.unknown = unknown

    def _points(self, texts: list[str]) -> SetNode:
        return Combination("union", tuple(_point(_formula(text.strip())) for text in texts))

    def _interval(self, opening: str, ends: list[str], closing: str) -> SetNode:
        low, high = (end.replace(" ", "") for end in ends)
        if _INFINITE.get(low) == 1 or _INFINITE.get(high) == -1:
            raise NotASet("an infinite end on the wrong side")
        low_end = None if low in _INFINITE else _formula(ends[0])
        high_end = None if high in _INFINITE else _formula(ends[1])
        low_closed, high_closed = opening == "[" and low_end is not None, closing == "]" and high_end is not None
        return Interval(low_end, low_closed, high_end, high_closed)

    def _condition(self, text: str) -> SetNode:
        """`x < 2`, `2 < x \\le 6`, `x \\in (2,6)`."""
        relations = list(_RELATION.finditer(text))
        if not relations:
            raise NotASet(text)
        if relations[0].group() in {"\\in", "\\notin"}:
            self._name(text[: relations[0].start()].strip())
            members = self._union(text[relations[0].end() :].strip(), 1)
            return members if relations[0].group() == "\\in" else Combination("difference", (REALS, members))
        starts = [0] + [relation.end() for relation in relations]
        ends = [relation.start() for relation in relations] + [len(text)]
        sides = [text[start:end].strip() for start, end in zip(starts, ends, strict=True)]
        signs = [relation.group() for relation in relations]
        if len(signs) == 1:
            distance = self._distance(sides, signs[0])
            if distance is not None:
                return distance
        conditions = [self._inequality(*parts) for parts in zip(sides, signs, sides[1:], strict=False)]
        return conditions[0] if len(conditions) == 1 else Combination("intersection", tuple(conditions))

    def _distance(self, sides: list[str], sign: str) -> SetNode | None:
        """`|x - 2| < 5`, where the inside is the unknown and a number; None for anything else."""
        if not sides[0].startswith("|"):
            sides, sign = sides[::-1], _FLIPPED.get(sign, "")
        distance = _DISTANCE.fullmatch(sides[0])
        if distance is None or sign not in _FLIPPED:
            return None
        self._name(distance["name"])
        center = f"-({distance['shift']})" if distance["shift"] else "0"
        low, high = (_formula(f"{center} {side} ({sides[1]})") for side in "-+")
        closed = sign in {"\\le", "\\ge"}
        if sign in {"=", "\\ne"}:
            ends: SetNode = Combination("union", (_point(low), _point(high)))
            return ends if sign == "=" else Combination("difference", (REALS, ends))
        if sign in {"<", "\\le"}:
            return Interval(low, closed, high, closed)
        return Combination("union", (Interval(high=low, high_closed=closed), Interval(low=high, low_closed=closed)))

    def _inequality(self, first: str, sign: str, second: str) -> SetNode:
        """An inequality or equation with the unknown alone on one side."""
        plain_first, plain_second = first.replace(" ", ""), second.replace(" ", "")
        if plain_first in _INFINITE or plain_second in _INFINITE:
            name = plain_second if plain_first in _INFINITE else plain_first
            self._name(name)
            return REALS
        if _is_name(plain_first) and not (self.unknown and plain_first != self.unknown):
            name, bound = plain_first, second
        elif _is_name(plain_second):
            name, bound, sign = plain_second, first, _FLIPPED.get(sign, "")
        else:
            raise NotASet("the unknown is not alone on one side")
        self._name(name)
        value = _formula(bound)
        if Letter(name) in {Letter(letter) for letter in letters_of(value)}:
            raise NotASet("the unknown is on both sides")
        if sign in {"=", "\\ne"}:
            return _point(value) if sign == "=" else Combination("difference", (REALS, _point(value)))
        closed = sign in {"\\le", "\\ge"}
        if sign in {"<", "\\le"}:
            return Interval(high=value, high_closed=closed)
        return Interval(low=value, low_closed=closed)


def _point(value: Node) -> Interval:
    return Interval(low=value, low_closed=True, high=value, high_closed=True)


def _is_name(text: str) -> bool:
    return _UNKNOWN.fullmatch(text) is not None and text not in {"e", "i", "\\pi", "\\infty"} and "\\mathbb" not in text


def _formula(text: str) -> Node:
    try:
        node = read(text.strip())
    except UnreadableFormula as error:
        raise NotASet(text) from error
    if node is None:
        raise NotASet(text)
    return node


def _letters(tree: SetNode) -> frozenset[str]:
    if isinstance(tree, Interval):
        return frozenset[str]().union(*(letters_of(end) for end in (tree.low, tree.high) if end is not None))
    return frozenset[str]().union(*(_letters(part) for part in tree.parts))
