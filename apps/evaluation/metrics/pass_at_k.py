"""pass@k: the probability that one of k samples is right. Pure.

The unbiased estimator of Chen et al. 2021 (arXiv 2107.03374, equation 1) from m samples of which c are right,

    pass@k = 1 - C(m - c, k) / C(m, k),

computed as a product, as in their figure 3.
"""

from __future__ import annotations

import numpy as np

from apps.evaluation.metrics.subsets import subset_shares
from apps.quality.statistics.ratings import Floats, Ints


def pass_at_k(samples: int, right: int, ks: Ints) -> Floats:
    """For each k between 1 and `samples`."""
    return np.asarray(1 - subset_shares(np.array([samples - right]), samples, ks)[0])
