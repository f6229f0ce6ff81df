"""One score for a solution from the scores of its steps. Pure.

`product` is the probability that every step is right if the scores are probabilities of independent steps: PRM800K's
`prm_score` is the product of P(okay) + P(great) over the steps. `min` is the weakest step, `last` the score after the
last step, `mean` the mean. Which is best depends on how the reward model was trained: product and min suit models of
people's labels, `last` suits models of Monte Carlo labels (Zhang et al. 2025, arXiv 2501.07301).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from apps.quality.statistics.ratings import Floats, Ints

REDUCERS: Mapping[str, Callable[[Floats, Ints], Floats]] = {
    "product": lambda scores, offsets: np.asarray(np.multiply.reduceat(scores, offsets[:-1])),
    "min": lambda scores, offsets: np.asarray(np.minimum.reduceat(scores, offsets[:-1])),
    "last": lambda scores, offsets: np.asarray(scores[offsets[1:] - 1]),
    "mean": lambda scores, offsets: np.asarray(np.add.reduceat(scores, offsets[:-1]) / np.diff(offsets)),
}


def reduce_scores(scores: Floats, offsets: Ints, reducer: str) -> Floats:
    """Per solution; solution s has the steps offsets[s] to offsets[s + 1] - 1, at least one. NaN where one is NaN."""
    if not len(scores):
        return np.zeros(0)
    reduced = REDUCERS[reducer](scores, offsets)
    is_missing = np.logical_or.reduceat(np.isnan(scores), offsets[:-1])
    return np.where(is_missing, np.nan, reduced)
