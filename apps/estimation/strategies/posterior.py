"""Where the first error is, given all rollouts: the posterior that two strategies read by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma

from apps.estimation.strategies.base import Case, Counts, Reading


@dataclass(frozen=True, slots=True)
class Priors:
    """Beta priors of the chance that a rollout succeeds, from a good prefix and from one with an error in it."""

    good_successes: float = 1.0
    good_failures: float = 1.0
    bad_successes: float = 0.5
    bad_failures: float = 9.5


def posterior(case: Case, seen: Sequence[Counts], priors: Priors) -> list[float]:
    """P(first error = E) for E = 0..k-1, and for "no error" last. Length k + 1, sums to 1.

    P(E) ~ B(a + S_before, b + F_before) / B(a, b) x B(c + S_from, d + F_from) / B(c, d), with the successes S and
    failures F of all prefixes before and from E on; uniform prior over E. O(k).
    A wrong answer of its own rules "no error" out. A right one is one success more at the last prefix.
    """
    k = case.steps
    successes = [counts.successes for counts in seen]
    failures = [counts.failures for counts in seen]
    for position, is_right in case.settled.items():
        successes[position] += is_right
    total_s, total_f = sum(successes), sum(failures)
    logs: list[float] = []
    before_s = before_f = 0
    for error in range(k + 1):
        logs.append(
            _log_beta_ratio(priors.good_successes, priors.good_failures, before_s, before_f)
            + _log_beta_ratio(priors.bad_successes, priors.bad_failures, total_s - before_s, total_f - before_f)
        )
        if error < k:
            before_s += successes[error]
            before_f += failures[error]
    if case.is_right is False:
        logs[k] = float("-inf")
    return _normalised(logs)


def read_posterior(case: Case, chances: Sequence[float]) -> Reading:
    """A step is good where the first error comes more likely after it than not."""
    best = max(range(len(chances)), key=chances.__getitem__)
    hard: list[bool | None] = []
    later = 1.0
    for position in range(case.steps):
        later -= chances[position]
        hard.append(later > 0.5)
    return Reading(hard, best if best < case.steps else -1, chances[best])


def _log_beta_ratio(a: float, b: float, successes: int, failures: int) -> float:
    return (
        lgamma(a + successes)
        + lgamma(b + failures)
        - lgamma(a + b + successes + failures)
        - (lgamma(a) + lgamma(b) - lgamma(a + b))
    )


def _normalised(logs: Sequence[float]) -> list[float]:
    highest = max(logs)
    weights = [exp(one - highest) for one in logs]
    total = sum(weights)
    return [weight / total for weight in weights]
