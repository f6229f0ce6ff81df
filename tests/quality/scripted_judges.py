"""Judges of known error rates, over solutions with known first errors."""

from __future__ import annotations

import numpy as np

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.statistics.ratings import Ints
from apps.quality.trust.judged_steps import JudgedSolutions


def true_errors(count: int, erroneous: float, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Lengths of 2 to 9 steps, and the first error of each solution, anywhere in it."""
    lengths = rng.integers(2, 10, count)
    errors = np.where(rng.random(count) < erroneous, rng.integers(0, lengths), NO_ERROR)
    return lengths, errors


def read_by_judge(
    lengths: Ints, errors: Ints, *, finds: float, clears: float, rng: np.random.Generator, silent: float = 0.0
) -> Ints:
    """The first step that the judge marks bad: a bad one with the chance `finds`, a good one with 1 - `clears`.

    Steps after the first error are read as good ones. Of all solutions the share `silent` has no verdict.
    """
    named = np.full(len(lengths), NO_ERROR)
    for solution, (length, error) in enumerate(zip(lengths.tolist(), errors.tolist(), strict=True)):
        for position in range(length):
            if rng.random() < (finds if position == error else 1 - clears):
                named[solution] = position
                break
    return np.where(rng.random(len(lengths)) < silent, UNKNOWN, named)


def judged_by_script(
    count: int, *, finds: float, clears: float, seed: int, erroneous: float = 0.5, silent: float = 0.0
) -> JudgedSolutions:
    rng = np.random.default_rng(seed)
    lengths, errors = true_errors(count, erroneous, rng)
    named = read_by_judge(lengths, errors, finds=finds, clears=clears, rng=rng, silent=silent)
    return JudgedSolutions.of(named, [frozenset({error}) for error in errors.tolist()], lengths)
