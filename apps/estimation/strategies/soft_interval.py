"""Soft labels of a promised precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.core.statistics import wilson
from apps.estimation.strategies.base import Ask, Case, Counts, Options, Reading, first_bad, hard_labels


class SoftIntervalOptions(Options, frozen=True):
    half_width: Annotated[float, Meta(gt=0.01, lt=0.5, description="Half the width of the 95 % Wilson interval.")] = (
        0.15
    )
    rollouts: Annotated[int, Meta(ge=1, le=4096, description="Rollouts from a step at most.")] = 64
    wave: Annotated[int, Meta(ge=1, le=1024, description="Rollouts at once.")] = 8


class SoftInterval:
    """Waves until the Wilson interval is narrow enough, or N. Precision, not economy."""

    name: ClassVar = "soft-interval"
    title: ClassVar = "Soft interval"
    about: ClassVar = "Rollouts from every step until the soft label is as precise as asked for."
    gives_soft: ClassVar = True
    takes_answers: ClassVar = True

    def __init__(self, options: SoftIntervalOptions | None = None) -> None:
        self.options = options or SoftIntervalOptions()

    def next(self, case: Case, seen: Sequence[Counts]) -> list[Ask]:
        return [
            Ask(position, min(self.options.wave, self.options.rollouts - counts.rollouts))
            for position in case.open
            if not (counts := seen[position]).is_closed and not self._is_enough(counts)
        ]

    def read(self, case: Case, seen: Sequence[Counts]) -> Reading:
        hard = hard_labels(case, seen)
        return Reading(hard, first_bad(hard))

    def _is_enough(self, counts: Counts) -> bool:
        if counts.rollouts >= self.options.rollouts:
            return True
        low, high = wilson(counts.successes, counts.rollouts)
        return (high - low) / 2 <= self.options.half_width
