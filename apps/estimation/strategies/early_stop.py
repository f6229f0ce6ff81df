"""Hard labels at less cost: stop at the first success."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Ask, Case, Counts, Options, Reading, first_bad, hard_labels


class EarlyStopOptions(Options, frozen=True):
    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Rollouts from a step without a success (N).")] = 8
    wave: Annotated[int, Meta(ge=1, le=1024, description="Rollouts at once (b).")] = 2


class EarlyStop:
    """Waves of b until a rollout succeeds or N have failed: the hard labels of Math-Shepherd, in law.

    A step costs b (1 - (1-p)^N) / (1 - (1-p)^b) rollouts on average. The share of successes after such a stop
    is biased and is not a soft label.
    """

    name: ClassVar = "early-stop"
    title: ClassVar = "Early stop"
    about: ClassVar = "Waves of b rollouts from every step until the first success, or N: hard labels only."
    gives_soft: ClassVar = False
    takes_answers: ClassVar = True

    def __init__(self, options: EarlyStopOptions | None = None) -> None:
        self.options = options or EarlyStopOptions()

    def next(self, case: Case, seen: Sequence[Counts]) -> list[Ask]:
        limit, wave = self.options.rollouts, self.options.wave
        return [
            Ask(position, min(limit - counts.rollouts, wave - counts.rollouts % wave))
            for position in case.open
            if not (counts := seen[position]).successes and counts.rollouts < limit and not counts.is_closed
        ]

    def read(self, case: Case, seen: Sequence[Counts]) -> Reading:
        hard = hard_labels(case, seen)
        return Reading(hard, first_bad(hard))
