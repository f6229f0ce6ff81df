"""What a pair is, whatever it is made of. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.exports.tally import Tally

EQUAL_SIDES = "both sides have the same text"
SAME_PAIR = "of two texts that are a pair already"
OVER_CAP = "more than pairs_per_problem"
# How the manifest counts preferences: people's, and a judge's by its name and version.
PEOPLE = "people"
JUDGE_PREFIX = "judge "
MOST_PAIRS = 10_000  # Of the solutions of one problem: all of them are in memory.


@dataclass(frozen=True, slots=True)
class Votes:
    """How many people prefer each side; none where no person compared them."""

    chosen: int = 0
    rejected: int = 0
    tie: int = 0

    @property
    def total(self) -> int:
        return self.chosen + self.rejected + self.tie

    @property
    def lead(self) -> float:
        """The lead of the chosen side as a share of all votes; not below 0."""
        return max(0, self.chosen - self.rejected) / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class TextPair:
    """A chosen and a rejected text.

    `columns` is the row as its reader names it, `source` what made it: `people`, a judge by name and version, `answers` or
    `labels`. The manifest counts it under the source `rater` and the label `label`. `texts` are its whole answers, the same
    whichever of them is chosen. `share` is that of the choice among people's votes or the judge's; None for pairs of
    solutions. `prompt` and `principles` are the judge's.
    """

    columns: Mapping[str, Any]
    texts: frozenset[str]
    source: str
    rater: str
    label: str
    margin: float = 0.0
    votes: Votes = Votes()
    share: float | None = None
    prompt: str = ""
    principles: Sequence[str] = ()

    def count(self, tally: Tally) -> None:
        tally.sources[self.rater] += 1
        tally.labels[self.label] += 1
        tally.positive_margins += self.margin > 0


def score_margin(chosen: float | None, rejected: float | None) -> float:
    """The difference of two scores; 0 where one is missing or the chosen side has the lower one."""
    return 0.0 if chosen is None or rejected is None else max(0.0, chosen - rejected)
