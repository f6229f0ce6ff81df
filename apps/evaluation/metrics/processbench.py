"""ProcessBench's F1: does a rater name the first error? Pure.

Zheng et al. 2024 (arXiv 2412.06559, section 3): on solutions with an error, accuracy is the share whose first error is
named exactly; on solutions without one, the share that is called correct. F1 is the harmonic mean of the two,

    F1 = 2 * a_erroneous * a_correct / (a_erroneous + a_correct),

per part (their four splits), and the benchmark's figure is the mean of the parts' F1. A rater who names no first error
for a solution that they rated is wrong about it. A reward model names the first step with a score below a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from apps.corpus.labels import BAD, GREAT, UNKNOWN
from apps.quality.statistics.bootstrap import RESAMPLES, Measured, by_cluster, measure
from apps.quality.statistics.ratings import Bools, Floats, Ints, first_errors_of

COLUMNS = 4  # Erroneous and named, erroneous, correct and called correct, correct.


@dataclass(frozen=True, slots=True)
class FirstErrorScore:
    """`erroneous` and `correct` are the two accuracies; the counts are of solutions."""

    f1: Measured
    erroneous: Measured
    correct: Measured
    erroneous_count: int
    correct_count: int


def first_error_score(
    is_right: Bools, is_erroneous: Bools, problems: Ints, *, resamples: int = RESAMPLES
) -> FirstErrorScore:
    """The F1 over solutions, with intervals by the bootstrap over `problems` (a number for each solution)."""
    tallies = by_cluster(first_error_tallies(is_right, is_erroneous), problems)
    return FirstErrorScore(
        f1=measure(tallies, f1_of, resamples=resamples),
        erroneous=measure(tallies[:, :2], _share, resamples=resamples),
        correct=measure(tallies[:, 2:], _share, resamples=resamples),
        erroneous_count=int(is_erroneous.sum()),
        correct_count=int((~is_erroneous).sum()),
    )


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


def f1_of(sums: Floats) -> Floats:
    """From sums over COLUMNS; 0 where both accuracies are 0, NaN where one kind of solutions is missing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        erroneous, correct = sums[..., 0] / sums[..., 1], sums[..., 2] / sums[..., 3]
        mean = 2 * erroneous * correct / (erroneous + correct)
    return np.asarray(np.where(erroneous + correct == 0, 0.0, mean))


def first_errors_below(scores: Floats, offsets: Ints, threshold: float) -> Ints:
    """The first step of each solution whose score is below the threshold. NaN is a step without a score."""
    labels = np.where(np.isnan(scores), UNKNOWN, np.where(scores < threshold, BAD, GREAT))
    return first_errors_of(labels, offsets)


def first_error_tallies(is_right: Bools, is_erroneous: Bools) -> Floats:
    """A row of COLUMNS per solution."""
    columns = (is_erroneous & is_right, is_erroneous, ~is_erroneous & is_right, ~is_erroneous)
    return np.column_stack(columns).astype(np.float64)


def _gain(sums: Floats) -> Floats:
    return np.asarray(f1_of(sums[..., COLUMNS:]) - f1_of(sums[..., :COLUMNS]))


def _share(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / sums[..., 1])
