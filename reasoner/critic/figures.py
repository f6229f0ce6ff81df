"""Figures of verdicts: first errors that a judge names, against those of the checker."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reasoner.critic.critique import NO_ERROR

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Judged:
    """The index of the first wrong step, NO_ERROR without one, and the one that the judge names, None if unreadable."""

    truth: int
    verdict: int | None
    steps: int

    @property
    def has_error(self) -> bool:
        return self.truth != NO_ERROR

    @property
    def is_hit(self) -> bool:
        return self.verdict == self.truth


def accuracy(judged: Sequence[Judged], *, has_error: bool) -> float:
    hits = [one.is_hit for one in judged if one.has_error == has_error]
    return sum(hits) / len(hits)


def f1(judged: Sequence[Judged]) -> float:
    """ProcessBench's: the harmonic mean of both accuracies (https://arxiv.org/abs/2412.06559)."""
    return harmonic_mean(accuracy(judged, has_error=True), accuracy(judged, has_error=False))


def harmonic_mean(first: float, second: float) -> float:
    return 2 * first * second / (first + second) if first + second else 0.0


def f1_interval(judged: Sequence[Judged], seed: int) -> tuple[float, float]:
    """The percentile bootstrap's interval of `f1`, over solutions."""
    dice = np.random.default_rng(seed)
    hits, errors = np.array([[one.is_hit, one.has_error] for one in judged]).T
    values = []
    for _ in range(RESAMPLES):
        rows = dice.integers(len(judged), size=len(judged))
        own, wrong = hits[rows], errors[rows]
        values.append(harmonic_mean(float(own[wrong].mean()), float(own[~wrong].mean())))
    low, high = np.quantile(values, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def step_rates(judged: Sequence[Judged]) -> tuple[float, float]:
    """True positive and true negative rate, where a wrong step is positive.

    Of the steps up to the first error, those are counted that the judge has judged: up to the one that it names.
    """
    bad, good = Counter[bool](), Counter[bool]()
    for one in judged:
        if one.verdict is None:
            continue
        last = one.truth if one.has_error else one.steps - 1
        for index in range((last if one.verdict == NO_ERROR else min(last, one.verdict)) + 1):
            (bad if index == one.truth else good)[index == one.verdict] += 1
    return bad[True] / bad.total(), good[False] / good.total()


def fleiss_kappa(repeats: Sequence[Sequence[int | None]]) -> float:
    """Agreement of the repeated verdicts of each solution beyond chance (Fleiss 1971). Every row has the same length."""
    counts = [Counter(row) for row in repeats]
    n = len(repeats[0])
    observed = sum(sum(count * (count - 1) for count in row.values()) / (n * (n - 1)) for row in counts) / len(counts)
    totals = sum(counts, Counter[int | None]())
    expected = sum((total / totals.total()) ** 2 for total in totals.values())
    return (observed - expected) / (1 - expected)
