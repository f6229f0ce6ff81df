"""A set of real numbers at a point: ordered, disjoint spans. Two sets are equal when their spans are."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import mpmath

from apps.verifiers.math.formulas.evaluation import Setting, Undefined, evaluate
from apps.verifiers.math.sets.real_sets import Interval, NotASet, SetNode

# Lower end, is it closed, upper end, is it closed.
Span = tuple[Any, bool, Any, bool]
_DIGITS = 50
_MAX_PARTS = 60


def spans(tree: SetNode, point: Mapping[str, Fraction]) -> list[Span]:
    """Raises Undefined, NotASet."""
    if isinstance(tree, Interval):
        return _interval_spans(tree, Setting(point, _DIGITS, real=True))
    parts = [spans(part, point) for part in tree.parts]
    if sum(map(len, parts)) > _MAX_PARTS:
        raise NotASet("too many parts")
    if tree.kind == "union":
        return _united([span for part in parts for span in part])
    if tree.kind == "intersection":
        return functools.reduce(_met, parts)
    if tree.kind == "difference":
        return _met(parts[0], _complement(parts[1]))
    # Conditions between commas hold together where they can, and are cases where they cannot.
    return functools.reduce(_met, parts) or _united([span for part in parts for span in part])


def _interval_spans(interval: Interval, setting: Setting) -> list[Span]:
    low = -mpmath.inf if interval.low is None else evaluate(interval.low, setting)
    high = mpmath.inf if interval.high is None else evaluate(interval.high, setting)
    if isinstance(low, mpmath.mpc) or isinstance(high, mpmath.mpc):
        raise Undefined("an end that is not real")
    if same_end(low, high):
        return [(low, True, low, True)] if interval.low_closed and interval.high_closed else []
    return [(low, interval.low_closed, high, interval.high_closed)] if low < high else []


def same_end(left: Any, right: Any) -> bool:
    if left == right:
        return True
    if not (mpmath.isfinite(left) and mpmath.isfinite(right)):
        return False
    return bool(abs(left - right) <= max(abs(left), abs(right)) * mpmath.mpf(10) ** (-_DIGITS + 12))


def _united(parts: list[Span]) -> list[Span]:
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


def _met(left: list[Span], right: list[Span]) -> list[Span]:
    met: list[Span] = []
    for mine in left:
        for other in right:
            low, low_closed = _inner_end((mine[0], mine[1]), (other[0], other[1]), sign=1)
            high, high_closed = _inner_end((mine[2], mine[3]), (other[2], other[3]), sign=-1)
            if same_end(low, high):
                if low_closed and high_closed:
                    met.append((low, True, low, True))
            elif low < high:
                met.append((low, low_closed, high, high_closed))
    return _united(met)


def _inner_end(mine: tuple[Any, bool], other: tuple[Any, bool], *, sign: int) -> tuple[Any, bool]:
    if same_end(mine[0], other[0]):
        return mine[0], mine[1] and other[1]
    return max((mine, other), key=lambda end: sign * end[0])


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
