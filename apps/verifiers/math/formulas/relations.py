"""Compares equations and inequalities in one or several letters: `5x-7y+4=0` is `7y-5x=4`, but not `5x-7y+4`.

Two relations are equal if the differences of their sides are a constant multiple of each other (a positive one for
inequalities), or if both can be solved for a letter and the solutions agree. Otherwise two equations are different if a
numerical solution of one does not solve the other.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath

from apps.verifiers.base import MATCH, NO_MATCH, GradeOutcome, match_if, unparsed
from apps.verifiers.math.brackets import outer
from apps.verifiers.math.formulas.evaluation import Setting, UndefinedValue, evaluate
from apps.verifiers.math.formulas.identity import letters_of, nodes_agree, points, read
from apps.verifiers.math.formulas.parser import Node, Operation, UnreadableFormula

_SIGN = re.compile(r"<|>|=|\\(?:le|ge|ne)(?![A-Za-z])")
_STRICT = {"<": ("<", -1), ">": ("<", 1), "\\le": ("\\le", -1), "\\ge": ("\\le", 1), "=": ("=", 0), "\\ne": ("\\ne", 0)}
_DIGITS = 40
_SMALL = 1e-25


class Relation(NamedTuple):
    """An equation, or an inequality oriented so that `difference` is positive."""

    kind: str
    left: Node
    right: Node

    @property
    def difference(self) -> Node:
        return Operation("sum", (self.left, Operation("negative", (self.right,))))


def read_relation(text: str) -> Relation | None:
    """A relation with one sign whose sides are formulas."""
    signs = list(_SIGN.finditer(text))
    if len(signs) != 1 or outer(text)[0]:
        return None
    try:
        first, second = read(text[: signs[0].start()].strip()), read(text[signs[0].end() :].strip())
    except UnreadableFormula:
        return None
    if first is None or second is None:
        return None
    kind, direction = _STRICT[signs[0].group()]
    return Relation(kind, second, first) if direction < 0 else Relation(kind, first, second)


def compare_relations(reference: str, answer: str) -> GradeOutcome | None:
    """None where one of them is not a relation that can be parsed."""
    first, second = read_relation(reference), read_relation(answer)
    if first is None or second is None:
        return None
    if first.kind != second.kind:
        return NO_MATCH
    if not (letters_of(first.difference) or letters_of(second.difference)):
        # 2 + 3 = 5 states its right side.
        return nodes_agree(first.right, second.right)
    ratio = _constant_ratio(first.difference, second.difference)
    if ratio is not None:
        return match_if(equal=ratio > 0 or first.kind in {"=", "\\ne"})
    if first.kind in {"<", "\\le"}:
        return NO_MATCH if letters_of(first.difference) == letters_of(second.difference) else None
    return _compare_equations(first.difference, second.difference)


def result_of_equation(text: str) -> str:
    """The last side of a chain of equal numbers: 5 for `2 + 3 = 5`, blank for anything else."""
    sides = re.split(r"(?<![<>!\\])=", text)
    if len(sides) < 2 or _SIGN.search(text.replace("=", "")):
        return ""
    try:
        nodes = [read(side.strip()) for side in sides]
    except UnreadableFormula:
        return ""
    numbers = [node for node in nodes if node is not None and not letters_of(node)]
    if len(numbers) < len(nodes):
        return ""
    holds = all(nodes_agree(number, following) == MATCH for number, following in itertools.pairwise(numbers))
    return sides[-1].strip() if holds else ""


def _value(node: Node, point: Mapping[str, Fraction]) -> Any:
    return evaluate(node, Setting(point, _DIGITS, real=True))


def _constant_ratio(first: Node, second: Node) -> Any:
    """The ratio of two formulas if it is the same everywhere and not zero; else None."""
    ratios: list[Any] = []
    for point in points(letters_of(first) | letters_of(second)):
        try:
            dividend, divisor = _value(first, point), _value(second, point)
            if abs(dividend) < _SMALL or abs(divisor) < _SMALL:
                return None
            ratios.append(dividend / divisor)
        except UndefinedValue:
            continue
    if len(ratios) < 2 or any(abs(ratio - ratios[0]) > abs(ratios[0]) * _SMALL for ratio in ratios):
        return None
    return ratios[0]


def _compare_equations(first: Node, second: Node) -> GradeOutcome:
    letters = letters_of(first)
    if letters != letters_of(second):
        return NO_MATCH
    for letter in sorted(letters):
        outcome = _compare_solutions(letter, first, second)
        if outcome is not None:
            return outcome
    return unparsed("the equations are not multiples of each other and cannot be solved")


def _compare_solutions(letter: str, first: Node, second: Node) -> GradeOutcome | None:
    """Substitute the solutions of each for the letter in the other. None where that does not decide."""
    linear, checked = True, 0
    for point in points(letters_of(first)):
        try:
            for solved, other in ((first, second), (second, first)):
                root, is_linear = _root(letter, solved, point)
                linear = linear and is_linear
                if root is None:
                    continue
                value = _value_at(other, point, letter, root)
                scale = abs(_value_at(other, point, letter, root + 1)) + abs(value)
                if abs(value) > scale * mpmath.mpf(10) ** -12:
                    return NO_MATCH
                checked += 1
        except UndefinedValue:
            continue
    return MATCH if linear and checked >= 4 else None


def _root(letter: str, node: Node, point: Mapping[str, Fraction]) -> tuple[Any, bool]:
    """A value of the letter at which the formula is zero, and whether the formula is linear in it."""
    try:
        at = [_value_at(node, point, letter, mpmath.mpf(place)) for place in (0, 1, 3)]
        slope = at[1] - at[0]
        if slope and abs(at[2] - at[0] - 3 * slope) < abs(slope) * _SMALL:
            return -at[0] / slope, True
    except UndefinedValue:
        pass
    # Not linear: the secant method.
    start = mpmath.mpf(point[letter].numerator) / point[letter].denominator
    low, high = start, start + mpmath.mpf(1) / 7
    for _ in range(80):
        below, above = _value_at(node, point, letter, low), _value_at(node, point, letter, high)
        if abs(above) < mpmath.mpf(10) ** -30:
            return high, False
        if above == below:
            break
        low, high = high, high - above * (high - low) / (above - below)
    return None, False


def _value_at(node: Node, point: Mapping[str, Fraction], letter: str, value: Any) -> Any:
    """The value of the formula at the point, with another value for one letter."""
    exact = Fraction(*mpmath.libmp.to_rational(mpmath.mpf(value)._mpf_))
    if exact.denominator.bit_length() > 2_000 or exact.numerator.bit_length() > 2_000:
        raise UndefinedValue("the value is too large")
    return _value(node, {**point, letter: exact})
