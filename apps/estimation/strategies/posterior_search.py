"""Bayesian search: probe where the position of the first error is most uncertain."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Case, Counts, Options, Probe, StrategyLabels
from apps.estimation.strategies.posterior import Priors, posterior, read_posterior


class PosteriorSearchOptions(Options, frozen=True):
    wave: Annotated[int, Meta(ge=1, le=64, description="Rollouts from the probed prefix at once (b).")] = 2
    doubt: Annotated[float, Meta(gt=0, lt=1, description="Stop at P(first error) >= 1 - doubt.")] = 0.1
    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Rollouts per step on average, at most.")] = 8
    good_successes: Annotated[float, Meta(gt=0)] = 1.0
    good_failures: Annotated[float, Meta(gt=0)] = 1.0
    bad_successes: Annotated[float, Meta(gt=0)] = 0.5
    bad_failures: Annotated[float, Meta(gt=0)] = 9.5

    @property
    def priors(self) -> Priors:
        return Priors(self.good_successes, self.good_failures, self.bad_successes, self.bad_failures)


class PosteriorSearch:
    """Computes P(first error = E) from all counts and probes the prefix i whose P(E <= i) is nearest to 1/2.

    A probabilistic bisection (Horstein 1963; Waeber, Frazier and Henderson 2013) with Beta-binomial likelihoods.
    """

    name: ClassVar = "posterior-search"
    title: ClassVar = "Posterior search"
    about: ClassVar = (
        "Probes where the first error is most uncertain: the first error with its probability, hard labels."
    )
    yields_soft: ClassVar = False
    takes_answers: ClassVar = True

    def __init__(self, options: PosteriorSearchOptions | None = None) -> None:
        self.options = options or PosteriorSearchOptions()

    def next(self, case: Case, step_counts: Sequence[Counts]) -> list[Probe]:
        positions = [position for position in case.open_positions if not step_counts[position].is_closed]
        remaining = self.options.rollouts * len(case.open_positions) - sum(counts.rollouts for counts in step_counts)
        if not positions or remaining <= 0:
            return []
        probabilities = posterior(case, step_counts, self.options.priors)
        if max(probabilities) >= 1 - self.options.doubt:
            return []
        cumulative = list(accumulate(probabilities))
        most_uncertain = min(positions, key=lambda position: abs(cumulative[position] - 0.5))
        return [Probe(most_uncertain, min(self.options.wave, remaining))]

    def read(self, case: Case, step_counts: Sequence[Counts]) -> StrategyLabels:
        return read_posterior(case, posterior(case, step_counts, self.options.priors))
