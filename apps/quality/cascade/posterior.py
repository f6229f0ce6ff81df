"""How sure machines are of a solution's first error: rollouts and the verdicts of judges in one posterior. Pure.

The posterior only ranks solutions. The judges' rates are assumed, judges are taken to err independently, and neither is
true; the promise of `threshold` does not depend on it. But the rates must be fixed before the blind sample is labeled: a
posterior that was fitted to the sample would make it look better than the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.statistics.ratings import Floats


@dataclass(frozen=True, slots=True)
class AssumedRates:
    """Of a bad first-error step marked bad, and of a good step not marked bad. Raises ValueError, which names the field."""

    true_positive: float = 0.8
    true_negative: float = 0.95

    def __post_init__(self) -> None:
        for name, value in (("true_positive", self.true_positive), ("true_negative", self.true_negative)):
            if not 0 < value < 1:
                raise ValueError(f"{name}: must be between 0 and 1")


@dataclass(frozen=True, slots=True)
class JudgeVerdict:
    """The first error that a judge names: a position, NO_ERROR or UNKNOWN; and the rates that it is assumed to have."""

    first_error: int
    rates: AssumedRates


@dataclass(frozen=True, slots=True)
class MachineLabel:
    """The first error by all machines, and its posterior probability.

    `agrees`: Monte Carlo and every judge name this one, at least one judge was asked, and all verdicts are readable.
    Otherwise it is the most probable one, which does not become a label.
    """

    first_error: int
    posterior: float
    agrees: bool


def machine_label(
    monte_carlo_error: int, distribution: Sequence[float], verdicts: Sequence[JudgeVerdict]
) -> MachineLabel:
    """From the first error that Monte Carlo names (UNKNOWN if it names none), its distribution, and the judges' verdicts.

    `distribution` has P(first error = E) for each of the k steps, and for "no error" last: that of
    `estimation.strategies.posterior` from the counts of rollouts, or `distribution_around` where there is only a
    conclusion, such as that of a right answer without rollouts.
    """
    steps = len(distribution) - 1
    _check_error("monte_carlo_error", monte_carlo_error, steps)
    weights = np.asarray(distribution, dtype=np.float64)
    if steps < 1 or not (weights >= 0).all() or not weights.sum() > 0:
        raise ValueError("distribution: must hold a probability of each step and of no error, not all 0")
    for verdict in verdicts:
        weights = weights * verdict_likelihoods(verdict, steps)
    probabilities = weights / weights.sum()
    agrees = bool(verdicts) and {monte_carlo_error} == {verdict.first_error for verdict in verdicts} - {UNKNOWN}
    agrees = agrees and all(verdict.first_error != UNKNOWN for verdict in verdicts)
    best = int(probabilities.argmax())
    first_error = monte_carlo_error if agrees else best if best < steps else NO_ERROR
    return MachineLabel(first_error, float(probabilities[first_error]), agrees)


def verdict_likelihoods(verdict: JudgeVerdict, steps: int) -> Floats:
    """P(the verdict | first error = E) for each of the k steps, and for no error last. Of an unreadable one, 1 for all.

    The judge reads step by step: it clears a good step with its true-negative rate n, and marks the bad one with its
    true-positive rate p. So if it names step j, the likelihood is n^j (1 - n) where the error comes later, n^j p where it is
    j, and n^E (1 - p) n^(j - E - 1) (1 - n) where it comes before: past an error that it missed, it reads on as if all steps
    were good. If it names none, there is no last factor, and j = k.
    """
    _check_error("verdict", verdict.first_error, steps)
    if verdict.first_error == UNKNOWN:
        return np.ones(steps + 1)
    p, n = verdict.rates.true_positive, verdict.rates.true_negative
    named = steps if verdict.first_error == NO_ERROR else verdict.first_error
    errors = np.arange(steps + 1)
    stop = 1.0 if named == steps else 1 - n
    later, passed = n**named * stop, n ** (named - 1) * (1 - p) * stop
    likelihoods = np.where(errors < named, passed, later)
    if named < steps:
        likelihoods[named] = n**named * p
    return np.asarray(likelihoods)


def distribution_around(first_error: int, probability: float, steps: int) -> Floats:
    """The first error with its probability, the rest spread evenly over all other positions and "no error", which is last."""
    _check_error("first_error", first_error, steps)
    if not 0 <= probability <= 1:
        raise ValueError("probability: must be between 0 and 1")
    if first_error == UNKNOWN:
        return np.full(steps + 1, 1 / (steps + 1))
    distribution = np.full(steps + 1, (1 - probability) / steps)
    distribution[first_error] = probability  # NO_ERROR is the last one.
    return distribution


def _check_error(name: str, first_error: int, steps: int) -> None:
    if not UNKNOWN <= first_error < steps:
        raise ValueError(f"{name}: must be a position below {steps}, NO_ERROR or UNKNOWN")
