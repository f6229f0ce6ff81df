"""Equations and inequalities in one letter or several, as relations: `5x-7y+4=0` is `7y-5x=4`, and not `5x-7y+4`.

Two relations are the same when the differences of their sides are a constant multiple of each other (a positive one
for inequalities), or when both can be solved for a letter and the solutions agree. Two equations that are neither
are different when a solution of one, found by a numerical method, is none of the other.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import mpmath

from apps.verifiers.base import MATCH, NO_MATCH, Outcome, either, unparsed
from apps.verifiers.math.brackets import outer
from apps.verifiers.math.formulas.evaluation import Setting, Undefined, evaluate
from apps.verifiers.math.formulas.identity import letters_of, nodes_agree, points, read
from apps.verifiers.math.formulas.parser import Node, Operation, Unreadable

_SIGN = re.compile(r"<|>|=|\\(?:le|ge|ne)(?![A-Za-z])")
_STRICT = {"<": ("<", -1), ">": ("<", 1), "\\le": ("\\le", -1), "\\ge": ("\\le", 1), "=": ("=", 0), "\\ne": ("\\ne", 0)}
_DIGITS = 40
_SMALL = 1e-25


class Relation(NamedTuple):
    """`difference` kind 0: for inequalities, oriented so that it is positive."""

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
        left, right = read(text[: signs[0].start()].strip()), read(text[signs[0].end() :].strip())
    except Unreadable:
        return None
    if left is None or right is None:
        return None
    kind, direction = _STRICT[signs[0].group()]
    return Relation(kind, right, left) if direction < 0 else Relation(kind, left, right)


def compare_relations(reference: str, answer: str) -> Outcome | None:
    """None where one of them is no relation that can be read."""
    left, right = read_relation(reference), read_relation(answer)
    if left is None or right is None:
        return None
    if left.kind != right.kind:
        return NO_MATCH
    if not (letters_of(left.difference) or letters_of(right.difference)):
        # 2 + 3 = 5 names its right side.
        return nodes_agree(left.right, right.right)
    ratio = _constant_ratio(left.difference, right.difference)
    if ratio is not None:
        return either(equal=ratio > 0 or left.kind in {"=", "\\ne"})
    if left.kind in {"<", "\\le"}:
        return NO_MATCH if letters_of(left.difference) == letters_of(right.difference) else None
    return _compare_equations(left.difference, right.difference)


def stated_value(text: str) -> str:
    """The last side of a chain of equals that begins with a number: `2 + 3 = 5` states 5."""
    sides = re.split(r"(?<![<>!\\])=", text)
    if len(sides) < 2 or _SIGN.search(text.replace("=", "")):
        return ""
    try:
        nodes = [read(side.strip()) for side in sides]
    except Unreadable:
        return ""
    if any(node is None or letters_of(node) for node in nodes):
        return ""
    known = [node for node in nodes if node is not None]
    holds = all(nodes_agree(mine, other) == MATCH for mine, other in itertools.pairwise(known))
    return sides[-1].strip() if holds else ""


def _value(node: Node, point: Mapping[str, Fraction]) -> Any:
    return evaluate(node, Setting(point, _DIGITS, real=True))


def _constant_ratio(left: Node, right: Node) -> Any:
    """left / right where it is the same everywhere and not zero; None else."""
    ratios: list[Any] = []
    for point in points(letters_of(left) | letters_of(right)):
        try:
            mine, other = _value(left, point), _value(right, point)
            if abs(mine) < _SMALL or abs(other) < _SMALL:
                return None
            ratios.append(mine / other)
        except Undefined:
            continue
    if len(ratios) < 2 or any(abs(ratio - ratios[0]) > abs(ratios[0]) * _SMALL for ratio in ratios):
        return None
    return ratios[0]


def _compare_equations(left: Node, right: Node) -> Outcome:
    letters = letters_of(left)
    if letters != letters_of(right):
        return NO_MATCH
    for letter in sorted(letters):
        outcome = _solved_for(letter, left, right)
        if outcome is not None:
            return outcome
    return unparsed("two equations of which neither is a multiple of the other")


def _solved_for(letter: str, left: Node, right: Node) -> Outcome | None:
    """Solutions of the one put into the other. None where no solution is found, or all agree but may not be all."""
    linear, checked = True, 0
    for point in points(letters_of(left)):
        try:
            for mine, other in ((left, right), (right, left)):
                root, is_linear = _root(letter, mine, point)
                linear = linear and is_linear
                if root is None:
                    continue
                value = _at(other, point, letter, root)
                scale = abs(_at(other, point, letter, root + 1)) + abs(value)
                if abs(value) > scale * mpmath.mpf(10) ** -12:
                    return NO_MATCH
                checked += 1
        except Undefined:
            continue
    return MATCH if linear and checked >= 4 else None


def _root(letter: str, node: Node, point: Mapping[str, Fraction]) -> tuple[Any, bool]:
    """A value of the letter at which the formula is zero, and whether the formula is linear in it."""
    try:
        at = [_at(node, point, letter, mpmath.mpf(place)) for place in (0, 1, 3)]
        slope = at[1] - at[0]
        if slope and abs(at[2] - at[0] - 3 * slope) < abs(slope) * _SMALL:
            return -at[0] / slope, True
    except Undefined:
        pass
    start = mpmath.mpf(point[letter].numerator) / point[letter].denominator
    low, high = start, start + mpmath.mpf(1) / 7
    for _ in range(80):
        below, above = _at(node, point, letter, low), _at(node, point, letter, high)
        if abs(above) < mpmath.mpf(10) ** -30:
            return high, False
        if above == below:
            break
        low, high = high, high - above * (high - low) / (above - below)
    return None, False


def _at(node: Node, point: Mapping[str, Fraction], letter: str, value: Any) -> Any:
    exact = Fraction(*mpmath.libmp.to_rational(mpmath.mpf(value)._mpf_))
    if exact.denominator.bit_length() > 2_000 or exact.numerator.bit_length() > 2_000:
        raise Undefined("the value is too large")
    return _value(node, {**point, letter: exact})
