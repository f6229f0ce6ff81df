"""Which of two solutions is better by a principle, as in the second phase of Constitutional AI. Pure."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from apps.judging.constitutions import Principle
from apps.judging.kinds.base import ComparisonCase, KindOptions, VoteOptions
from apps.judging.kinds.draw import drawn_principles
from apps.judging.kinds.pairs import PairKind


class PrincipleOptions(VoteOptions, frozen=True):
    principles: Annotated[
        Literal["sample", "all"],
        Meta(description="Draw a principle by lot for each vote, or take each of them for as many votes."),
    ] = "sample"


class PrincipleKind(PairKind):
    """Bai et al. 2022, arXiv:2212.08073, section 4.1: each comparison is made by one principle, drawn by lot."""

    name: ClassVar = "principle"
    title: ClassVar = "Comparison by a principle"
    about: ClassVar = "A comparison by one principle of a constitution; asked in both orders, which must agree."
    option_type: ClassVar[type[KindOptions]] = PrincipleOptions
    takes_principles: ClassVar = True

    @property
    def pairs(self) -> int:
        return self.options.votes * (len(self.principles) if self._takes_all else 1)

    @property
    def _takes_all(self) -> bool:
        return isinstance(self.options, PrincipleOptions) and self.options.principles == "all"

    def principles_of(self, case: ComparisonCase) -> list[Principle | None]:
        if self._takes_all:
            return [principle for principle in self.principles for _ in range(self.options.votes)]
        return [*drawn_principles(self.principles, case.seed, self.options.votes)]
