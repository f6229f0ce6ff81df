"""ProcessBench's benchmark figure, and how two raters' F1 compare. Pure.

Zheng et al. 2024 (arXiv 2412.06559, section 3): F1 is computed per part (their four splits), and the benchmark's figure is
the mean of the parts' F1. A reward model names the first step with a score below a threshold.
`quality.statistics.first_error_score` has the F1 itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from apps.corpus.labels import BAD, GREAT, UNKNOWN
from apps.quality.statistics.bootstrap import RESAMPLES, Measured, by_cluster, measure
from apps.quality.statistics.first_error_score import COLUMNS, f1_of, first_error_tallies
from apps.quality.statistics.ratings import Bools, Floats, Ints, first_errors_of


def f1_gain(
    before: Bools, after: Bools, is_erroneous: Bools, problems: Ints, *, resamples: int = RESAMPLES
) -> Measured:
    """What the second rater's F1 is above the first's on the same solutions, by the paired bootstrap over problems.

    Raters who agree on every solution have a gain of 0 without an interval.
    """
    tallies = [first_error_tallies(is_right, is_erroneous) for is_right in (before, after)]
    rows = by_cluster(np.hstack(tallies), problems)
    gain = measure(rows, _gain, resamples=resamples)
    return replace(gain, low=None, high=None) if np.array_equal(before, after) else gain


def average_f1(
    is_right: Bools, is_erroneous: Bools, problems: Ints, parts: Ints, *, resamples: int = RESAMPLES
) -> Measured:
    """The mean F1 over the parts that have both kinds of solutions; `parts` is a number for each solution."""
    count = int(parts.max(initial=-1)) + 1
    tallies = np.zeros((len(is_right), count, COLUMNS))
    tallies[np.arange(len(is_right)), parts] = first_error_tallies(is_right, is_erroneous)

    def read(sums: Floats) -> Floats:
        by_part = f1_of(sums.reshape(*sums.shape[:-1], count, COLUMNS))
        has_both = np.isfinite(by_part)
        return np.asarray(np.where(has_both, by_part, 0.0).sum(axis=-1) / has_both.sum(axis=-1))

    return measure(by_cluster(tallies.reshape(len(is_right), count * COLUMNS), problems), read, resamples=resamples)


def first_errors_below(scores: Floats, offsets: Ints, threshold: float) -> Ints:
    """The first step of each solution whose score is below the threshold. NaN is a step without a score."""
    labels = np.where(np.isnan(scores), UNKNOWN, np.where(scores < threshold, BAD, GREAT))
    return first_errors_of(labels, offsets)


def _gain(sums: Floats) -> Floats:
    return np.asarray(f1_of(sums[..., COLUMNS:]) - f1_of(sums[..., :COLUMNS]))
