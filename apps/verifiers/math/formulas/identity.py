"""Are two formulas equal? By their values at fixed points, to a hundred digits.

Two formulas of this grammar that agree at the points are equal but for a chance that nobody will live to see; two that
differ at one point differ. Points at which one of them is not defined say nothing. Where no point decides, or
where a bare logarithm has two customary bases that disagree, the answer is None or `unparsed`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from enum import Enum
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mpmath

from apps.verifiers.base import MATCH, NO_MATCH, Outcome, unparsed
from apps.verifiers.math.formulas.evaluation import Setting, TooLarge, Undefined, evaluate
from apps.verifiers.math.formulas.parser import (
    Ambiguous,
    Constant,
    Letter,
    Node,
    Operation,
    TooComplex,
    Unreadable,
    read_formula,
    subnodes,
)

AMBIGUOUS = "the formula can be read in two ways"
MAX_LETTERS = 12
_DIGITS, _MORE_DIGITS = 50, 130
_POINTS = 8
_ENOUGH_POINTS = 2


class Comparison(Enum):
    EQUAL = "equal"
    DIFFERENT = "different"
    UNDEFINED = "undefined"
    TOO_LARGE = "too large"


_OUTCOMES = {
    Comparison.EQUAL: MATCH,
    Comparison.DIFFERENT: NO_MATCH,
    Comparison.UNDEFINED: None,
    Comparison.TOO_LARGE: unparsed("a number is too large to be computed"),
}


@lru_cache(maxsize=4096)
def read(latex: str) -> Node | None:
    """The formula, or None where it cannot be read. Raises Ambiguous, TooComplex."""
    try:
        return read_formula(latex)
    except (Ambiguous, TooComplex):
        raise
    except Unreadable:
        return None


def formulas_agree(reference: str, answer: str) -> Outcome | None:
    """None where the grammar does not cover one of them, or no point decides."""
    try:
        left, right = read(reference), read(answer)
    except Ambiguous:
        return unparsed(AMBIGUOUS)
    except TooComplex as error:
        return unparsed(str(error))
    if left is None or right is None:
        return None
    return nodes_agree(left, right)


def constant_difference(left: str, right: str) -> float | None:
    """How far two formulas without letters are apart; None where that cannot be said."""
    try:
        nodes = read(left), read(right)
        if nodes[0] is None or nodes[1] is None or letters_of(nodes[0]) or letters_of(nodes[1]):
            return None
        values = [evaluate(node, Setting({}, _DIGITS, real=False)) for node in nodes if node is not None]
    except (Unreadable, Undefined):
        return None
    return float(abs(values[0] - values[1]))


def nodes_agree(left: Node, right: Node) -> Outcome | None:
    bases = (None, 10) if _has_bare_logarithm(left) or _has_bare_logarithm(right) else (None,)
    grades = {compare_nodes(left, right, log_base=base) for base in bases}
    if len(grades) > 1:
        return unparsed(AMBIGUOUS)
    return _OUTCOMES[grades.pop()]


def compare_nodes(left: Node, right: Node, *, log_base: int | None = None) -> Comparison:
    letters = letters_of(left) | letters_of(right)
    if len(letters) > MAX_LETTERS:
        return Comparison.UNDEFINED
    real = bool(letters) and not (_is_complex(left) or _is_complex(right))
    agreed = 0
    for point in points(letters):
        comparison = _compare_at(left, right, point, real=real, log_base=log_base)
        if comparison in {Comparison.DIFFERENT, Comparison.TOO_LARGE}:
            return comparison
        agreed += comparison is Comparison.EQUAL
    return Comparison.EQUAL if agreed >= (_ENOUGH_POINTS if letters else 1) else Comparison.UNDEFINED


def letters_of(node: Node) -> frozenset[str]:
    return frozenset(part.name for part in subnodes(node) if isinstance(part, Letter))


def points(letters: frozenset[str]) -> Iterator[Mapping[str, Fraction]]:
    """Fixed values for each letter: positive ones, ones of both signs, and integers of both parities."""
    if not letters:
        yield {}
        return
    for assignment in range(_POINTS):
        yield {letter: _coordinate(letter, assignment) for letter in letters}


def _coordinate(letter: str, assignment: int) -> Fraction:
    seed = hashlib.blake2b(f"{letter} {assignment}".encode(), digest_size=8).digest()
    size = Fraction(1 + int.from_bytes(seed[:3]) % 2903, 1009)
    if assignment < 3:
        return size
    if assignment < 6:
        return size if (sum(letter.encode()) + assignment) % 2 else -size
    return Fraction(2 + assignment % 2 + 2 * (seed[3] % 4))


def _is_complex(node: Node) -> bool:
    return any(isinstance(part, Constant) and part.name == "i" for part in subnodes(node))


def _has_bare_logarithm(node: Node) -> bool:
    return any(
        isinstance(part, Operation) and part.name == "log" and len(part.operands) == 1 for part in subnodes(node)
    )


def _compare_at(
    left: Node, right: Node, point: Mapping[str, Fraction], *, real: bool, log_base: int | None
) -> Comparison:
    few = Setting(point, _DIGITS, real, log_base)
    many = Setting(point, _MORE_DIGITS, real, log_base)
    try:
        rough = evaluate(left, few), evaluate(right, few)
        if _plainly_differ(*rough):
            return Comparison.DIFFERENT
        fine = evaluate(left, many), evaluate(right, many)
    except TooLarge:
        return Comparison.TOO_LARGE
    except Undefined:
        return Comparison.UNDEFINED
    return Comparison.EQUAL if _same_limit(rough, fine) else Comparison.DIFFERENT


def _plainly_differ(left: Any, right: Any) -> bool:
    """Far apart, and too large to be what cancellation leaves of zero."""
    size = max(abs(left), abs(right))
    if not mpmath.isfinite(size):
        return bool(left != right)
    return bool(size > 1e-20 and abs(left - right) > size * 1e-10)


def _same_limit(rough: tuple[Any, Any], fine: tuple[Any, Any]) -> bool:
    """The difference of equal values shrinks with the digits that are computed; a true one stays as it is.

    So 2^{-80} differs from 2^{-79}, and the square of the root of 2 from nothing but 2.
    """
    if fine[0] == fine[1]:
        return True
    difference, size = abs(fine[0] - fine[1]), max(abs(fine[0]), abs(fine[1]))
    if difference <= size * 1e-100:
        return True
    return bool(difference <= abs(rough[0] - rough[1]) * 1e-60)
