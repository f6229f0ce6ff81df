"""ProcessBench's F1 of one rater: does it name the first error? Pure.

Zheng et al. 2024 (arXiv 2412.06559, section 3): on solutions with an error, accuracy is the share whose first error is
named exactly; on solutions without one, the share that is called correct. F1 is the harmonic mean of the two,

    F1 = 2 * a_erroneous * a_correct / (a_erroneous + a_correct).

A rater who names no first error for a solution that they rated is wrong about it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.quality.statistics.bootstrap import RESAMPLES, Measured, by_cluster, measure
from apps.quality.statistics.ratings import Bools, Floats, Ints

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


def f1_of(sums: Floats) -> Floats:
    """From sums over COLUMNS; 0 where both accuracies are 0, NaN where one kind of solutions is missing."""
    with np.errstate(divide="ignore", invalid="ignore"):
        erroneous, correct = sums[..., 0] / sums[..., 1], sums[..., 2] / sums[..., 3]
        mean = 2 * erroneous * correct / (erroneous + correct)
    return np.asarray(np.where(erroneous + correct == 0, 0.0, mean))


def first_error_tallies(is_right: Bools, is_erroneous: Bools) -> Floats:
    """A row of COLUMNS per solution."""
    columns = (is_erroneous & is_right, is_erroneous, ~is_erroneous & is_right, ~is_erroneous)
    return np.column_stack(columns).astype(np.float64)


def _share(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / sums[..., 1])
