"""OmegaPRM's binary search for the first prefix from which the right answer is no longer reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Case, Counts, Options, Probe, StrategyLabels


class BisectOptions(Options, frozen=True):
    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Rollouts from a probed prefix.")] = 8
    live: Annotated[int, Meta(ge=1, le=1024, description="Successes that make a prefix live.")] = 2
    wave: Annotated[int, Meta(ge=1, le=1024, description="Rollouts at once; a live prefix gets no further wave.")] = 4


class Bisect:
    """Luo et al. 2024, arXiv:2406.06592, section 3: a dead prefix sends the search left, a live one right.

    Assumes that every prefix after a dead one is dead. Probes at most ceil(log2 k) prefixes of k steps.
    """

    name: ClassVar = "bisect"
    title: ClassVar = "Bisect"
    about: ClassVar = "Binary search for the first dead prefix: the first error with few probes; hard labels only."
    yields_soft: ClassVar = False
    takes_answers: ClassVar = True

    def __init__(self, options: BisectOptions | None = None) -> None:
        self.options = options or BisectOptions()

    def next(self, case: Case, step_counts: Sequence[Counts]) -> list[Probe]:
        position = self._search(case, step_counts)[2]
        if position is None:
            return []
        counts, options = step_counts[position], self.options
        return [Probe(position, min(options.rollouts - counts.rollouts, options.wave - counts.rollouts % options.wave))]

    def read(self, case: Case, step_counts: Sequence[Counts]) -> StrategyLabels:
        low, high, position = self._search(case, step_counts)
        if position is not None or low + 1 < high:
            # Steps between the last live and the first dead prefix are unknown.
            unknown: list[bool | None] = [None] * (high - low - 1)
            return StrategyLabels([*[True] * (low + 1), *unknown, *[False] * (case.steps - high)], None)
        return StrategyLabels([position < high for position in range(case.steps)], high if high < case.steps else -1)

    def _search(self, case: Case, step_counts: Sequence[Counts]) -> tuple[int, int, int | None]:
        """The last live position (-1: the problem itself), the first dead one, and the next to probe (None: done)."""
        low, high = -1, case.steps
        for position, is_right in case.graded_positions.items():
            low, high = (max(low, position), high) if is_right else (low, min(high, position))
        while low + 1 < high:
            middle = (low + high) // 2
            counts = step_counts[middle]
            if counts.successes >= self.options.live:
                low = middle
            elif counts.rollouts >= self.options.rollouts:
                high = middle
            else:
                return low, high, None if counts.is_closed else middle
        return low, high, None
