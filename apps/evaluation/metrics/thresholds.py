"""Thresholds of reward models: steps that score below it are bad. Pure.

A threshold is given, or chosen on a dev part that is then left out of the figures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite

import numpy as np

from apps.corpus.labels import SCORE_THRESHOLD
from apps.quality.statistics.ratings import Floats

QUANTILES = 101


@dataclass(frozen=True, slots=True)
class Threshold:
    """`chosen` is `given`, `dev`, or `usual` where the dev part cannot tell: it lacks good or bad ones."""

    value: float
    chosen: str


def choose_threshold(given: float | None, dev_scores: Floats, value_at: Callable[[float], float]) -> Threshold:
    """The given threshold, else the best one on the dev part, whose measure at a threshold is `value_at`; may be NaN.

    Tried are quantiles of the scores, and one half. Of equally good ones it is the one nearest to one half.
    """
    if given is not None:
        return Threshold(given, "given")
    scored = dev_scores[~np.isnan(dev_scores)]
    if len(scored):
        candidates = np.unique([SCORE_THRESHOLD, *np.quantile(scored, np.linspace(0, 1, QUANTILES))]).tolist()
        values = {threshold: value_at(threshold) for threshold in candidates}
        best = max((value for value in values.values() if isfinite(value)), default=None)
        if best is not None:
            ties = [threshold for threshold, value in values.items() if value == best]
            return Threshold(min(ties, key=lambda threshold: abs(threshold - SCORE_THRESHOLD)), "dev")
    return Threshold(SCORE_THRESHOLD, "usual")
