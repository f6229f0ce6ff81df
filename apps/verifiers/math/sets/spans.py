"""Evaluates a set of real numbers at a point, as ordered, disjoint spans. Sets with equal spans are equal."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import mpmath

from apps.verifiers.math.formulas.evaluation import Setting, UndefinedValue, evaluate
from apps.verifiers.math.sets.real_sets import Interval, NotASet, SetNode

# Lower end, whether it is closed, upper end, whether it is closed.
Span = tuple[Any, bool, Any, bool]
_DIGITS = 50
_MAX_PARTS = 60


def spans(tree: SetNode, point: Mapping[str, Fraction]) -> list[Span]:
    """The spans of a set whose parameters have the values of `point`. Raises UndefinedValue and NotASet."""
    if isinstance(tree, Interval):
        setting = Setting(point, _DIGITS, real=True)
        low = -mpmath.inf if tree.low is None else evaluate(tree.low, setting)
        high = mpmath.inf if tree.high is None else evaluate(tree.high, setting)
        if isinstance(low, mpmath.mpc) or isinstance(high, mpmath.mpc):
            raise UndefinedValue("an end that is not real")
        if same_end(low, high):
            return [(low, True, low, True)] if tree.low_closed and tree.high_closed else []
        return [(low, tree.low_closed, high, tree.high_closed)] if low < high else []
    parts = [spans(part, point) for part in tree.parts]
    if sum(map(len, parts)) > _MAX_PARTS:
        raise NotASet("too many parts")
    if tree.kind == "union":
        return _union([span for part in parts for span in part])
    if tree.kind == "intersection":
        return functools.reduce(_intersection, parts)
    if tree.kind == "difference":
        return _intersection(parts[0], _complement(parts[1]))
    # Conditions with commas hold together if they can; otherwise they are cases.
    return functools.reduce(_intersection, parts) or _union([span for part in parts for span in part])


def same_end(first: Any, second: Any) -> bool:
    if first == second:
        return True
    if not (mpmath.isfinite(first) and mpmath.isfinite(second)):
        return False
    return bool(abs(first - second) <= max(abs(first), abs(second)) * mpmath.mpf(10) ** (-_DIGITS + 12))


def _union(parts: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in sorted(parts, key=lambda part: (part[0], not part[1])):
        if merged:
            low, low_closed, high, high_closed = merged[-1]
            touches = (high_closed or span[1]) if same_end(span[0], high) else span[0] < high
            if touches or (same_end(span[0], low) and same_end(span[2], low)):
                longer = span[2] > high and not same_end(span[2], high)
                end = (span[2], span[3]) if longer else (high, high_closed or (same_end(span[2], high) and span[3]))
                merged[-1] = (low, low_closed or (same_end(span[0], low) and span[1]), *end)
                continue
        merged.append(span)
    return merged


def _intersection(first: list[Span], second: list[Span]) -> list[Span]:
    common: list[Span] = []
    for span in first:
        for other in second:
            low, low_closed = _inner_end((span[0], span[1]), (other[0], other[1]), sign=1)
            high, high_closed = _inner_end((span[2], span[3]), (other[2], other[3]), sign=-1)
            if same_end(low, high):
                if low_closed and high_closed:
                    common.append((low, True, low, True))
            elif low < high:
                common.append((low, low_closed, high, high_closed))
    return _union(common)


def _inner_end(first: tuple[Any, bool], second: tuple[Any, bool], *, sign: int) -> tuple[Any, bool]:
    """The larger of two lower ends, or with `sign` -1 the smaller of two upper ends."""
    if same_end(first[0], second[0]):
        return first[0], first[1] and second[1]
    return max((first, second), key=lambda end: sign * end[0])


def _complement(parts: list[Span]) -> list[Span]:
    gaps: list[Span] = []
    low, low_closed = -mpmath.inf, False
    for span in parts:
        if span[0] != -mpmath.inf and (low < span[0] or (low_closed and not span[1])):
            gaps.append((low, low_closed, span[0], not span[1]))
        low, low_closed = span[2], not span[3]
    if low != mpmath.inf:
        gaps.append((low, low_closed, mpmath.inf, False))
    return gaps
