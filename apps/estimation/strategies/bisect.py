"""OmegaPRM's binary search for the first prefix from which the answer is no longer reached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta

from apps.estimation.strategies.base import Ask, Case, Counts, Options, Reading


class BisectOptions(Options, frozen=True):
    rollouts: Annotated[int, Meta(ge=1, le=1024, description="Rollouts from a probed prefix.")] = 8
    live: Annotated[int, Meta(ge=1, le=1024, description="Successes that make a prefix live.")] = 2
    wave: Annotated[int, Meta(ge=1, le=1024, description="Rollouts at once; a live prefix needs no more.")] = 4


class Bisect:
    """Luo et al. 2024, arXiv:2406.06592, section 3: a dead prefix sends the search left, a live one right.

    It supposes that once dead is dead for good. At most ceil(log2 k) prefixes of k steps are probed.
    """

    name: ClassVar = "bisect"
    title: ClassVar = "Bisect"
    about: ClassVar = "Binary search for the first dead prefix: the first error at a few probes; hard labels only."
    gives_soft: ClassVar = False
    takes_answers: ClassVar = True

    def __init__(self, options: BisectOptions | None = None) -> None:
        self.options = options or BisectOptions()

    def next(self, case: Case, seen: Sequence[Counts]) -> list[Ask]:
        probe = self._search(case, seen)[2]
        if probe is None:
            return []
        counts, options = seen[probe], self.options
        return [Ask(probe, min(options.rollouts - counts.rollouts, options.wave - counts.rollouts % options.wave))]

    def read(self, case: Case, seen: Sequence[Counts]) -> Reading:
        low, high, probe = self._search(case, seen)
        if probe is not None or low + 1 < high:
            # Between the last live and the first dead prefix nothing is known.
            unknown: list[bool | None] = [None] * (high - low - 1)
            return Reading([*[True] * (low + 1), *unknown, *[False] * (case.steps - high)], None)
        return Reading([position < high for position in range(case.steps)], high if high < case.steps else -1)

    def _search(self, case: Case, seen: Sequence[Counts]) -> tuple[int, int, int | None]:
        """The last position known live (-1: the problem itself), the first known dead, and what to probe next."""
        low, high = -1, case.steps
        for position, is_right in case.settled.items():
            low, high = (max(low, position), high) if is_right else (low, min(high, position))
        while low + 1 < high:
            middle = (low + high) // 2
            verdict = self._is_live(seen[middle])
            if verdict is None:
                return low, high, None if seen[middle].is_closed else middle
            low, high = (middle, high) if verdict else (low, middle)
        return low, high, None

    def _is_live(self, counts: Counts) -> bool | None:
        if counts.successes >= self.options.live:
            return True
        return False if counts.rollouts >= self.options.rollouts else None
