"""Compares solution sets in different notations: `x<2 or x>6` and `(-\\infty,2)\\cup(6,\\infty)`."""

from __future__ import annotations

from apps.verifiers.base import MATCH, NO_MATCH, GradeOutcome
from apps.verifiers.math.formulas.evaluation import UndefinedValue
from apps.verifiers.math.formulas.identity import points
from apps.verifiers.math.sets.real_sets import NotASet, ReadSet, looks_like_set
from apps.verifiers.math.sets.spans import same_end, spans

_ENOUGH_POINTS = 2


def compare_sets(reference: str, answer: str) -> GradeOutcome | None:
    """None where neither is written as a set, or where one is not a set of numbers that can be computed."""
    if not (looks_like_set(reference) or looks_like_set(answer)):
        return None
    try:
        first, second = ReadSet(reference), ReadSet(answer)
        if first.unknown and second.unknown and first.unknown != second.unknown:
            return NO_MATCH
        parameters = first.parameters | second.parameters
        if {first.unknown, second.unknown} & parameters:
            return None
        agreed = 0
        for point in points(parameters):
            try:
                first_spans, second_spans = spans(first.tree, point), spans(second.tree, point)
            except UndefinedValue:
                continue
            is_same = len(first_spans) == len(second_spans) and all(
                same_end(span[0], other[0])
                and same_end(span[2], other[2])
                and (span[1], span[3]) == (other[1], other[3])
                for span, other in zip(first_spans, second_spans, strict=True)
            )
            if not is_same:
                return NO_MATCH
            agreed += 1
    except NotASet:
        return None
    return MATCH if agreed >= (_ENOUGH_POINTS if parameters else 1) else None
