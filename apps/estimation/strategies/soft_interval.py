"""Soft labels of a chosen precision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.core.statistics import wilson
from apps.estimation.strategies.base import Case, Counts, Options, Probe, StrategyLabels, labels_by_step


class SoftIntervalOptions(Options, frozen=True):
    half_width: Annotated[float, Meta(gt=0.01, lt=0.5, description="Half the width of the 95 % Wilson interval.")] = (
        0.15
    )
    rollouts: Annotated[int, Meta(ge=1, le=4096, description="Rollouts from a step, at most.")] = 64
    wave: Annotated[int, Meta(ge=1, le=1024, description="Rollouts at once.")] = 8


class SoftInterval:
    """Waves until the Wilson interval is narrow enough, or N. For precision, not for economy."""

    name: ClassVar = "soft-interval"
    title: ClassVar = "Soft interval"
    about: ClassVar = "Rollouts from every step until the soft label has the chosen precision."
    yields_soft: ClassVar = True
    takes_answers: ClassVar = True

    def __init__(self, options: SoftIntervalOptions | None = None) -> None:
        self.options = options or SoftIntervalOptions()

    def next(self, case: Case, step_counts: Sequence[Counts]) -> list[Probe]:
        probes = []
        for position in case.open_positions:
            counts = step_counts[position]
            low, high = wilson(counts.successes, counts.rollouts)
            remaining = self.options.rollouts - counts.rollouts
            if not counts.is_closed and remaining > 0 and (high - low) / 2 > self.options.half_width:
                probes.append(Probe(position, min(self.options.wave, remaining)))
        return probes

    def read(self, case: Case, step_counts: Sequence[Counts]) -> StrategyLabels:
        return labels_by_step(case, step_counts)
