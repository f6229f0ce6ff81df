"""A few rollouts from every step in one round, read with the posterior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Ask, Case, Counts, Options, Reading, up_to
from apps.estimation.strategies.posterior import Priors, posterior, read_posterior


class SweepOptions(Options, frozen=True):
    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Rollouts from every step.")] = 4


class Sweep:
    """For batch endpoints: one round of requests, and the first error with its probability all the same."""

    name: ClassVar = "sweep"
    title: ClassVar = "Sweep"
    about: ClassVar = "A few rollouts from every step in one round: the first error with its probability, soft labels."
    gives_soft: ClassVar = True
    takes_answers: ClassVar = True

    def __init__(self, options: SweepOptions | None = None) -> None:
        self.options = options or SweepOptions()

    def next(self, case: Case, seen: Sequence[Counts]) -> list[Ask]:
        return up_to(self.options.rollouts, case, seen)

    def read(self, case: Case, seen: Sequence[Counts]) -> Reading:
        return read_posterior(case, posterior(case, seen, Priors()))
