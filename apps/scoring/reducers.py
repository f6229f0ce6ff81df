"""Reducers: from the scores of a solution's steps to one score of the solution. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from enum import StrEnum


class Reducer(StrEnum):
    """PRM800K takes the product of all steps, Math-Shepherd the smallest score."""

    PRODUCT = "product"
    MIN = "min"
    LAST = "last"
    MEAN = "mean"


REDUCER_TITLES = {
    Reducer.PRODUCT: "product of all steps",
    Reducer.MIN: "lowest step",
    Reducer.LAST: "last step",
    Reducer.MEAN: "mean of all steps",
}


def reduced(scores: Sequence[float | None], reducer: str) -> float | None:
    """One score of a solution; None where a score that the reducer needs is missing."""
    if not scores:
        return None
    if reducer == Reducer.LAST:
        return scores[-1]
    present = [score for score in scores if score is not None]
    if len(present) < len(scores):
        return None
    if reducer == Reducer.PRODUCT:
        return math.prod(present)
    return min(present) if reducer == Reducer.MIN else math.fsum(present) / len(present)
