"""Compares two formulas by their values at fixed points, to a hundred digits.

Two formulas of this grammar that agree at the points are equal, up to a negligible probability; two that differ at one
point are different. Points at which one of them is undefined are ignored. The result is None where no point decides,
and `unparsed` where the two customary bases of a bare logarithm lead to different grades.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from enum import Enum
from fractions import Fraction
from functools import lru_cache

import mpmath

from apps.verifiers.base import MATCH, NO_MATCH, GradeOutcome, unparsed
from apps.verifiers.math.formulas.evaluation import Setting, UndefinedValue, ValueTooLarge, evaluate
from apps.verifiers.math.formulas.parser import (
    AmbiguousFormula,
    Constant,
    FormulaTooComplex,
    Letter,
    Node,
    Operation,
    UnreadableFormula,
    read_formula,
    subnodes,
)

AMBIGUOUS = "the formula is ambiguous"
MAX_LETTERS = 12
_DIGITS, _MORE_DIGITS = 50, 130
_POINTS = 8
_ENOUGH_POINTS = 2


class NodeComparison(Enum):
    EQUAL = "equal"
    DIFFERENT = "different"
    UNDEFINED = "undefined"
    TOO_LARGE = "too large"


_OUTCOMES = {
    NodeComparison.EQUAL: MATCH,
    NodeComparison.DIFFERENT: NO_MATCH,
    NodeComparison.UNDEFINED: None,
    NodeComparison.TOO_LARGE: unparsed("a number is too large to be computed"),
}


@lru_cache(maxsize=4096)
def read(latex: str) -> Node | None:
    """The formula, or None where it cannot be parsed. Raises AmbiguousFormula and FormulaTooComplex."""
    try:
        return read_formula(latex)
    except (AmbiguousFormula, FormulaTooComplex):
        raise
    except UnreadableFormula:
        return None


def formulas_agree(reference: str, answer: str) -> GradeOutcome | None:
    """None where the grammar does not cover one of them, or where no point decides."""
    try:
        first, second = read(reference), read(answer)
    except AmbiguousFormula:
        return unparsed(AMBIGUOUS)
    except FormulaTooComplex as error:
        return unparsed(str(error))
    if first is None or second is None:
        return None
    return nodes_agree(first, second)


def constant_difference(first: str, second: str) -> float | None:
    """The distance of two formulas without letters; None where it cannot be computed."""
    try:
        nodes = read(first), read(second)
        if nodes[0] is None or nodes[1] is None or letters_of(nodes[0]) or letters_of(nodes[1]):
            return None
        values = [evaluate(node, Setting({}, _DIGITS, real=False)) for node in nodes if node is not None]
    except (UnreadableFormula, UndefinedValue):
        return None
    return float(abs(values[0] - values[1]))


def nodes_agree(first: Node, second: Node) -> GradeOutcome | None:
    bases = (None, 10) if _has_bare_logarithm(first) or _has_bare_logarithm(second) else (None,)
    comparisons = {compare_nodes(first, second, log_base=base) for base in bases}
    if len(comparisons) > 1:
        return unparsed(AMBIGUOUS)
    return _OUTCOMES[comparisons.pop()]


def compare_nodes(first: Node, second: Node, *, log_base: int | None = None) -> NodeComparison:
    letters = letters_of(first) | letters_of(second)
    if len(letters) > MAX_LETTERS:
        return NodeComparison.UNDEFINED
    real = bool(letters) and not (_is_complex(first) or _is_complex(second))
    agreed = 0
    for point in points(letters):
        comparison = _compare_at(first, second, point, real=real, log_base=log_base)
        if comparison in {NodeComparison.DIFFERENT, NodeComparison.TOO_LARGE}:
            return comparison
        agreed += comparison is NodeComparison.EQUAL
    return NodeComparison.EQUAL if agreed >= (_ENOUGH_POINTS if letters else 1) else NodeComparison.UNDEFINED


def letters_of(node: Node) -> frozenset[str]:
    return frozenset(part.name for part in subnodes(node) if isinstance(part, Letter))


def points(letters: frozenset[str]) -> Iterator[Mapping[str, Fraction]]:
    """Fixed values for each letter: first positive ones, then ones of both signs, then integers of both parities."""
    if not letters:
        yield {}
        return
    for assignment in range(_POINTS):
        point: dict[str, Fraction] = {}
        for letter in letters:
            seed = hashlib.blake2b(f"{letter} {assignment}".encode(), digest_size=8).digest()
            size = Fraction(1 + int.from_bytes(seed[:3]) % 2903, 1009)
            if assignment < 3:
                point[letter] = size
            elif assignment < 6:
                point[letter] = size if (sum(letter.encode()) + assignment) % 2 else -size
            else:
                point[letter] = Fraction(2 + assignment % 2 + 2 * (seed[3] % 4))
        yield point


def _is_complex(node: Node) -> bool:
    return any(isinstance(part, Constant) and part.name == "i" for part in subnodes(node))


def _has_bare_logarithm(node: Node) -> bool:
    return any(
        isinstance(part, Operation) and part.name == "log" and len(part.operands) == 1 for part in subnodes(node)
    )


def _compare_at(
    first: Node, second: Node, point: Mapping[str, Fraction], *, real: bool, log_base: int | None
) -> NodeComparison:
    few = Setting(point, _DIGITS, real, log_base)
    many = Setting(point, _MORE_DIGITS, real, log_base)
    try:
        rough = evaluate(first, few), evaluate(second, few)
        size = max(abs(rough[0]), abs(rough[1]))
        if not mpmath.isfinite(size):
            is_different = rough[0] != rough[1]
        else:
            # Far apart, and too large to be the rest of a cancellation to zero.
            is_different = size > 1e-20 and abs(rough[0] - rough[1]) > size * 1e-10
        if is_different:
            return NodeComparison.DIFFERENT
        fine = evaluate(first, many), evaluate(second, many)
    except ValueTooLarge:
        return NodeComparison.TOO_LARGE
    except UndefinedValue:
        return NodeComparison.UNDEFINED
    # The difference of equal values shrinks when more digits are computed; a real difference stays. In this way 2^{-80}
    # differs from 2^{-79}, and the square of the root of 2 equals 2.
    difference, size = abs(fine[0] - fine[1]), max(abs(fine[0]), abs(fine[1]))
    is_equal = fine[0] == fine[1] or difference <= size * 1e-100 or difference <= abs(rough[0] - rough[1]) * 1e-60
    return NodeComparison.EQUAL if is_equal else NodeComparison.DIFFERENT
