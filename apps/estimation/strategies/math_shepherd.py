"""Math-Shepherd's estimation as published: N rollouts from every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Ask, Case, Counts, Options, Reading, first_bad, hard_labels, up_to


class MathShepherdOptions(Options, frozen=True):
    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Counted rollouts from every step (N).")] = 8


class MathShepherd:
    """Wang et al. 2023, arXiv:2312.08935, eq. 3 (hard) and 4 (soft). The last step stands by its own answer."""

    name: ClassVar = "math-shepherd"
    title: ClassVar = "Math-Shepherd"
    about: ClassVar = "N rollouts from every step; hard and soft labels for each, as published."
    gives_soft: ClassVar = True
    takes_answers: ClassVar = False

    def __init__(self, options: MathShepherdOptions | None = None) -> None:
        self.options = options or MathShepherdOptions()

    def next(self, case: Case, seen: Sequence[Counts]) -> list[Ask]:
        return up_to(self.options.rollouts, case, seen)

    def read(self, case: Case, seen: Sequence[Counts]) -> Reading:
        hard = hard_labels(case, seen)
        return Reading(hard, first_bad(hard))
