"""PRMBench's scores of single steps: is each step called good or bad rightly? Pure.

Song et al. 2025 (arXiv 2501.03124, section 4): F1 with good steps as the positive class, negative F1 with bad steps as
the positive class, since most steps are good and a rater who calls all of them good has a high F1, and

    PRM-Score = 0.5 * F1 + 0.5 * negative F1.

Okay and great steps are good. Steps that the rater or the truth does not rate take no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.quality.statistics.bootstrap import RESAMPLES, Measured, by_cluster, measure
from apps.quality.statistics.ratings import Bools, Floats, Ints


@dataclass(frozen=True, slots=True)
class PrmScores:
    """`good` and `bad` are the accuracies on steps that are good and bad."""

    f1: Measured
    negative_f1: Measured
    prm_score: Measured
    accuracy: Measured
    good: Measured
    bad: Measured
    good_count: int
    bad_count: int


def step_scores(called_good: Bools, is_good: Bools, problems: Ints, *, resamples: int = RESAMPLES) -> PrmScores:
    """From one entry per step; intervals by the bootstrap over `problems` (a number for each step)."""
    tallies = by_cluster(step_tallies(called_good, is_good), problems)
    f1, negative_f1, prm_score, accuracy, good, bad = (
        measure(tallies, read, resamples=resamples)
        for read in (_f1, _negative_f1, prm_score_of, _accuracy, _accuracy_of_good, _accuracy_of_bad)
    )
    return PrmScores(f1, negative_f1, prm_score, accuracy, good, bad, int(is_good.sum()), int((~is_good).sum()))


def step_tallies(called_good: Bools, is_good: Bools) -> Floats:
    """A row per step: good called good, bad called good, bad called bad, good called bad."""
    columns = (called_good & is_good, called_good & ~is_good, ~called_good & ~is_good, ~called_good & is_good)
    return np.column_stack(columns).astype(np.float64)


def prm_score_of(sums: Floats) -> Floats:
    """From sums of `step_tallies`; NaN where steps of one kind are missing."""
    return np.asarray(0.5 * _f1(sums) + 0.5 * _negative_f1(sums))


def _f1(sums: Floats) -> Floats:
    good_good, bad_good, _, good_bad = np.moveaxis(sums, -1, 0)
    return np.asarray(2 * good_good / (2 * good_good + bad_good + good_bad))


def _negative_f1(sums: Floats) -> Floats:
    _, bad_good, bad_bad, good_bad = np.moveaxis(sums, -1, 0)
    return np.asarray(2 * bad_bad / (2 * bad_bad + bad_good + good_bad))


def _accuracy(sums: Floats) -> Floats:
    return np.asarray((sums[..., 0] + sums[..., 2]) / sums.sum(axis=-1))


def _accuracy_of_good(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / (sums[..., 0] + sums[..., 3]))


def _accuracy_of_bad(sums: Floats) -> Floats:
    return np.asarray(sums[..., 2] / (sums[..., 1] + sums[..., 2]))
