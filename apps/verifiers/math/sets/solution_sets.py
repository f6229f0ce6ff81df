"""Comparing sets of solutions that are said in two ways: `x<2 or x>6` and `(-\\infty,2)\\cup(6,\\infty)`."""

from __future__ import annotations

from apps.verifiers.base import MATCH, NO_MATCH, Outcome
from apps.verifiers.math.formulas.evaluation import Undefined
from apps.verifiers.math.formulas.identity import points
from apps.verifiers.math.sets.real_sets import NotASet, ReadSet, looks_like_set
from apps.verifiers.math.sets.spans import Span, same_end, spans

_ENOUGH_POINTS = 2


def compare_sets(reference: str, answer: str) -> Outcome | None:
    """None where neither is said as a set, or one is no set of numbers that can be worked out."""
    if not (looks_like_set(reference) or looks_like_set(answer)):
        return None
    try:
        left, right = ReadSet(reference), ReadSet(answer)
        if left.unknown and right.unknown and left.unknown != right.unknown:
            return NO_MATCH
        parameters = left.parameters | right.parameters
        if {left.unknown, right.unknown} & parameters:
            return None
        return _equal_at_points(left, right, parameters)
    except NotASet:
        return None


def _equal_at_points(left: ReadSet, right: ReadSet, parameters: frozenset[str]) -> Outcome | None:
    agreed = 0
    for point in points(parameters):
        try:
            mine, other = spans(left.tree, point), spans(right.tree, point)
        except Undefined:
            continue
        if not _same_spans(mine, other):
            return NO_MATCH
        agreed += 1
    return MATCH if agreed >= (_ENOUGH_POINTS if parameters else 1) else None


def _same_spans(left: list[Span], right: list[Span]) -> bool:
    return len(left) == len(right) and all(
        same_end(mine[0], other[0]) and same_end(mine[2], other[2]) and (mine[1], mine[3]) == (other[1], other[3])
        for mine, other in zip(left, right, strict=True)
    )
