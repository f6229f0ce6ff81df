"""Best-of-N in closed form: the accuracy when a scorer chooses among N samples of a problem. Pure.

Lightman et al. 2023 (*Let's Verify Step by Step*, figure 3) draw N of a problem's samples 400 times. The expectation has
a closed form. Let the m samples be sorted by score. The best of a random N-subset, drawn without replacement, is the
sample of rank r (r - 1 samples score lower) with probability C(r - 1, N - 1) / C(m, N). Samples with equal scores are
equally likely to be chosen, so a group of them, with `upto` samples at or below it and `below` samples below it, is
chosen with probability

    C(upto, N) / C(m, N) - C(below, N) / C(m, N),

and then right with the group's share of right samples.
"""

from __future__ import annotations

import numpy as np

from apps.evaluation.metrics.subsets import subset_shares
from apps.quality.statistics.ratings import Bools, Floats, Ints


def best_of_n(scores: Floats, right: Floats, ns: Ints, is_answered: Bools | None = None) -> Floats:
    """The expected accuracy for each n between 1 and the number of samples.

    NaN scores are below all others, and so are those of samples without an answer, which no majority counts either.
    """
    is_last = np.isnan(scores) if is_answered is None else np.isnan(scores) | ~is_answered
    ranked = np.where(is_last, -np.inf, scores)
    _, groups, sizes = np.unique(ranked, return_inverse=True, return_counts=True)
    upto = np.cumsum(sizes)
    chosen = np.diff(subset_shares(np.concatenate(([0], upto)), len(scores), ns), axis=0)
    share_right = np.bincount(groups, weights=right) / sizes
    return np.asarray(share_right @ chosen)
