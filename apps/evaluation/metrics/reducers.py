"""`apps.scoring.reducers` for millions of steps at once. Pure; a test holds both to the same scores.

`product` is the probability that every step is right if the scores are probabilities of independent steps: PRM800K's
`prm_score` is the product of P(okay) + P(great) over the steps. Which reducer is best depends on how the reward model
was trained: product and min suit models of people's labels, `last` suits models of Monte Carlo labels (Zhang et al. 2025,
arXiv 2501.07301).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from apps.quality.statistics.ratings import Floats, Ints
from apps.scoring.reducers import Reducer

_BY_REDUCER: Mapping[Reducer, Callable[[Floats, Ints], Floats]] = {
    Reducer.PRODUCT: lambda scores, offsets: np.asarray(np.multiply.reduceat(scores, offsets[:-1])),
    Reducer.MIN: lambda scores, offsets: np.asarray(np.minimum.reduceat(scores, offsets[:-1])),
    Reducer.LAST: lambda scores, offsets: np.asarray(scores[offsets[1:] - 1]),
    Reducer.MEAN: lambda scores, offsets: np.asarray(np.add.reduceat(scores, offsets[:-1]) / np.diff(offsets)),
}


def reduce_scores(scores: Floats, offsets: Ints, reducer: Reducer) -> Floats:
    """Per solution; solution s has the steps offsets[s] to offsets[s + 1] - 1, at least one.

    NaN is a step without a score, and a solution whose reducer needs it.
    """
    return _BY_REDUCER[reducer](scores, offsets) if len(scores) else np.zeros(0)
