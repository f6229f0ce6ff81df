"""The posterior probability of each position to be the first error, given all rollouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, lgamma

from apps.estimation.strategies.base import Case, Counts, StrategyLabels


@dataclass(frozen=True, slots=True)
class Priors:
    """Beta priors of a rollout's success, from a good prefix and from one with an error."""

    good_successes: float = 1.0
    good_failures: float = 1.0
    bad_successes: float = 0.5
    bad_failures: float = 9.5


def posterior(case: Case, step_counts: Sequence[Counts], priors: Priors) -> list[float]:
    """P(first error = E) for E = 0..k-1, and for "no error" last. Length k + 1, sums to 1.

    P(E) ~ B(a + S_before, b + F_before) / B(a, b) x B(c + S_from, d + F_from) / B(c, d), with the successes S and
    failures F of all prefixes before and from E on; uniform prior over E. O(k).
    The solution's own wrong answer rules out "no error"; a right answer counts as one more success at its prefix.
    """
    k = case.steps
    successes = [counts.successes for counts in step_counts]
    failures = [counts.failures for counts in step_counts]
    for position, is_right in case.graded_positions.items():
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
    highest = max(logs)
    weights = [exp(value - highest) for value in logs]
    total = sum(weights)
    return [weight / total for weight in weights]


def read_posterior(case: Case, probabilities: Sequence[float]) -> StrategyLabels:
    """Labels from the posterior: a step is good if the first error comes after it with a probability above 1/2."""
    best = max(range(len(probabilities)), key=probabilities.__getitem__)
    hard: list[bool | None] = []
    later = 1.0
    for position in range(case.steps):
        later -= probabilities[position]
        hard.append(later > 0.5)
    return StrategyLabels(hard, best if best < case.steps else -1, probabilities[best])


def _log_beta_ratio(a: float, b: float, successes: int, failures: int) -> float:
    return (
        lgamma(a + successes)
        + lgamma(b + failures)
        - lgamma(a + b + successes + failures)
        - (lgamma(a) + lgamma(b) - lgamma(a + b))
    )
