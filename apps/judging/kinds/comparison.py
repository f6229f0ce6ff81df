"""Which of two solutions is better, and by how much. Pure."""

from __future__ import annotations

from typing import ClassVar

from apps.judging.kinds.base import KindOptions, VoteOptions
from apps.judging.kinds.pairs import PairKind


class ComparisonKind(PairKind):
    name: ClassVar = "comparison"
    title: ClassVar = "Comparison"
    about: ClassVar = "Which of two solutions is better and by how much; asked in both orders, which must agree."
    option_type: ClassVar[type[KindOptions]] = VoteOptions
