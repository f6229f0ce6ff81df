"""Math-Shepherd's estimation as published: N rollouts from every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Case, Counts, Options, Probe, StrategyLabels, labels_by_step, probes_up_to


class MathShepherdOptions(Options, frozen=True):
    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Counted rollouts from every step (N).")] = 8


class MathShepherd:
    """Wang et al. 2023, arXiv:2312.08935, eq. 3 (hard) and 4 (soft). The last step is labeled by its own answer."""

    name: ClassVar = "math-shepherd"
    title: ClassVar = "Math-Shepherd"
    about: ClassVar = "N rollouts from every step; hard and soft labels for each, as published."
    yields_soft: ClassVar = True
    takes_answers: ClassVar = False

    def __init__(self, options: MathShepherdOptions | None = None) -> None:
        self.options = options or MathShepherdOptions()

    def next(self, case: Case, step_counts: Sequence[Counts]) -> list[Probe]:
        return probes_up_to(self.options.rollouts, case, step_counts)

    def read(self, case: Case, step_counts: Sequence[Counts]) -> StrategyLabels:
        return labels_by_step(case, step_counts)
