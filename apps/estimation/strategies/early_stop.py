"""Hard labels at a lower cost: stop at the first success."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Case, Counts, Options, Probe, StrategyLabels, labels_by_step


class EarlyStopOptions(Options, frozen=True):
    rollouts: Annotated[
        int, Meta(ge=1, le=1024, description="Rollouts from a step without a success, at most (N).")
    ] = 8
    wave: Annotated[int, Meta(ge=1, le=1024, description="Rollouts at once (b).")] = 2


class EarlyStop:
    """Waves of b until a rollout succeeds or N have failed. Its hard labels have the same distribution as Math-Shepherd's.

    A step costs b (1 - (1-p)^N) / (1 - (1-p)^b) rollouts on average. The share of successes after such a stop is biased:
    it is not a soft label.
    """

    name: ClassVar = "early-stop"
    title: ClassVar = "Early stop"
    about: ClassVar = "Waves of b rollouts from every step until the first success, or N: hard labels only."
    yields_soft: ClassVar = False
    takes_answers: ClassVar = True

    def __init__(self, options: EarlyStopOptions | None = None) -> None:
        self.options = options or EarlyStopOptions()

    def next(self, case: Case, step_counts: Sequence[Counts]) -> list[Probe]:
        limit, wave = self.options.rollouts, self.options.wave
        return [
            Probe(position, min(limit - counts.rollouts, wave - counts.rollouts % wave))
            for position in case.open_positions
            if not (counts := step_counts[position]).successes and counts.rollouts < limit and not counts.is_closed
        ]

    def read(self, case: Case, step_counts: Sequence[Counts]) -> StrategyLabels:
        return labels_by_step(case, step_counts)
