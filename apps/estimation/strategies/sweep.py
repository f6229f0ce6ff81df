"""A few rollouts from every step in one round, evaluated with the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Case, Counts, Options, Probe, StrategyLabels, probes_up_to
from apps.estimation.strategies.posterior import Priors, posterior, read_posterior


class SweepOptions(Options, frozen=True):
    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Rollouts from every step.")] = 4


class Sweep:
    """One round of requests, for batch endpoints; still yields the first error with its probability."""

    name: ClassVar = "sweep"
    title: ClassVar = "Sweep"
    about: ClassVar = "A few rollouts from every step in one round: the first error with its probability, soft labels."
    yields_soft: ClassVar = True
    takes_answers: ClassVar = True

    def __init__(self, options: SweepOptions | None = None) -> None:
        self.options = options or SweepOptions()

    def next(self, case: Case, step_counts: Sequence[Counts]) -> list[Probe]:
        return probes_up_to(self.options.rollouts, case, step_counts)

    def read(self, case: Case, step_counts: Sequence[Counts]) -> StrategyLabels:
        return read_posterior(case, posterior(case, step_counts, Priors()))
