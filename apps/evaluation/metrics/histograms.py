"""Histograms of scores, of good and of bad items apart: a scorer is as good as the two are apart. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.quality.statistics.ratings import Bools, Floats

BINS = 20


@dataclass(frozen=True, slots=True)
class ScoreHistogram:
    """Counts by bins of equal width between `low` and `high`; the last bin includes its upper end."""

    low: float
    high: float
    good: list[int]
    bad: list[int]


def score_histogram(scores: Floats, good: Bools, *, bins: int = BINS) -> ScoreHistogram:
    """From 0 to 1 where all scores are in between, else over the range of the scores."""
    if not len(scores) or (scores.min() >= 0 and scores.max() <= 1):
        low, high = 0.0, 1.0
    else:
        low, high = float(scores.min()), float(scores.max())
    counts = [np.histogram(scores[mask], bins, (low, high))[0].tolist() for mask in (good, ~good)]
    return ScoreHistogram(low, high, *counts)


def area_under_curve(scores: Floats, good: Bools) -> float | None:
    """The probability that a good item scores higher than a bad one, ties half: the area under the ROC curve.

    The Mann-Whitney statistic (Hanley and McNeil 1982). None where all items are of one kind.
    """
    goods, bads = int(good.sum()), int((~good).sum())
    if not goods or not bads:
        return None
    _, groups, sizes = np.unique(scores, return_inverse=True, return_counts=True)
    middle_ranks = np.cumsum(sizes) - (sizes - 1) / 2
    return float((middle_ranks[groups[good]].sum() - goods * (goods + 1) / 2) / (goods * bads))
