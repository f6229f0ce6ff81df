"""Scores of steps as published samples have them: a number for each step, or PRM800K's probabilities of the ratings. Pure."""

from __future__ import annotations

from typing import Any

from apps.corpus.imports.files import named
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.records import RowError, ScoreRecord, StepScoreRecord

NAME = SCORER = "step_scores"
_SUM_TOLERANCE = 0.001


def read_step_scores(fields: Fields, length: int) -> list[ScoreRecord]:
    """The scores by `step_scores`, whose scorer the file does not name; null is a step without one.

    Of probabilities of the ratings 1, 0 and -1 the score is that of 1 or 0: PRM800K takes a neutral step for right.
    """
    if fields.row.get(NAME) is None:
        return []
    values, at = fields.listed(NAME), fields.at(NAME)
    if len(values) != length:
        raise RowError(at, f"there are {len(values)} scores for {length} steps")
    scores = [_score(value, f"{at}[{index}]") for index, value in enumerate(values)]
    steps = [
        StepScoreRecord(position=position, score=score) for position, score in enumerate(scores) if score is not None
    ]
    return [ScoreRecord(scorer=SCORER, steps=steps)] if steps else []


def _score(value: Any, at: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, dict) and set(value) == {"1", "0", "-1"}:
        good, okay, bad = (_share(value[rating], f"{at}.{rating}") for rating in ("1", "0", "-1"))
        if abs(good + okay + bad - 1) > _SUM_TOLERANCE:
            raise RowError(at, "expected probabilities of 1, 0 and -1 that add up to 1")
        # Within the tolerance the sum of two may be a little above 1.
        return min(1.0, good + okay)
    return _share(value, at)


def _share(value: Any, at: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise RowError(at, f"expected a score from 0 to 1, found {named(value)}")
    return float(value)
