"""Bayesian noisy search: probe where the first error is most in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Ask, Case, Counts, Options, Reading
from apps.estimation.strategies.posterior import Priors, posterior, read_posterior


class PosteriorSearchOptions(Options, frozen=True):
    wave: Annotated[int, Meta(ge=1, le=64, description="Rollouts from the probed prefix at once (b).")] = 2
    doubt: Annotated[float, Meta(gt=0, lt=1, description="Stop at P(first error) >= 1 - doubt.")] = 0.1
    rollouts: Annotated[int, Meta(ge=1, le=1024, description="At most so many for each step, on average.")] = 8
    good_successes: Annotated[float, Meta(gt=0)] = 1.0
    good_failures: Annotated[float, Meta(gt=0)] = 1.0
    bad_successes: Annotated[float, Meta(gt=0)] = 0.5
    bad_failures: Annotated[float, Meta(gt=0)] = 9.5

    @property
    def priors(self) -> Priors:
        return Priors(self.good_successes, self.good_failures, self.bad_successes, self.bad_failures)


class PosteriorSearch:
    """Keeps P(first error = E) from all counts and probes the prefix i whose P(E <= i) is nearest 1/2.

    A probabilistic bisection (Horstein 1963; Waeber, Frazier and Henderson 2013) with Beta-binomial likelihoods.
    """

    name: ClassVar = "posterior-search"
    title: ClassVar = "Posterior search"
    about: ClassVar = (
        "Probes where the first error is most in doubt: the first error with its probability, hard labels."
    )
    gives_soft: ClassVar = False
    takes_answers: ClassVar = True

    def __init__(self, options: PosteriorSearchOptions | None = None) -> None:
        self.options = options or PosteriorSearchOptions()

    def next(self, case: Case, seen: Sequence[Counts]) -> list[Ask]:
        probes = [position for position in case.open if not seen[position].is_closed]
        left = self.options.rollouts * len(case.open) - sum(counts.rollouts for counts in seen)
        if not probes or left <= 0:
            return []
        chances = posterior(case, seen, self.options.priors)
        if max(chances) >= 1 - self.options.doubt:
            return []
        up_to = list(accumulate(chances))
        probe = min(probes, key=lambda position: abs(up_to[position] - 0.5))
        return [Ask(probe, min(self.options.wave, left))]

    def read(self, case: Case, seen: Sequence[Counts]) -> Reading:
        return read_posterior(case, posterior(case, seen, self.options.priors))
