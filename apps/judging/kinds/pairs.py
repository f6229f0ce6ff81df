"""Two solutions in both orders, and the pairs of replies that follow. Pure.

A judge that prefers whichever comes first says so only in the other order. A pair of replies that contradict each other is
inconsistent and has no vote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

from apps.corpus.comparisons import turned
from apps.corpus.labels import MARGINS
from apps.judging.constitutions import Principle
from apps.judging.kinds.base import Ask, ComparisonCase, PairResult, Readings, Result
from apps.judging.kinds.votes import VotingKind, failed_readings, plurality, readings_of, share_of, states_of
from apps.judging.parsers import Shown
from apps.judging.verdicts import PreferenceVerdict, Reading, refused, unreadable

_SHOWN = {"left": "first", "right": "second", "tie": "neither"}


class PairKind(VotingKind[ComparisonCase]):
    """Slot `order * pairs + pair`: in order 0 the left side is shown first, in order 1 the right one."""

    of: ClassVar[Literal["solution", "comparison"]] = "comparison"

    @property
    def pairs(self) -> int:
        """How often the two are compared, each time in both orders."""
        return self.options.votes

    @property
    def requests(self) -> int:
        return 2 * self.pairs

    def principles_of(self, case: ComparisonCase) -> list[Principle | None]:
        """The principle of each pair; None for pairs that are compared without one."""
        return [None] * self.pairs

    def order_and_pair(self, slot: int) -> tuple[int, int]:
        """The order of this slot, in which 1 shows the right side first, and its pair."""
        return divmod(slot, self.pairs)

    def asks(self, case: ComparisonCase, readings: Readings) -> list[Ask]:
        principles = self.principles_of(case)
        shown = Shown(0, self._visible(case))
        asks = []
        for slot in range(self.requests):
            order, pair = self.order_and_pair(slot)
            if slot not in readings:
                principle = principles[pair]
                texts = _texts(case, principle, is_turned=order == 1)
                name = principle.name if principle else ""
                asks.append(self._ask(slot, self.prompt.request(texts), shown, principle=name))
        return asks

    def result(self, case: ComparisonCase, readings: Readings) -> Result:
        replies = readings_of(readings, range(self.requests))
        names = [principle.name if principle else "" for principle in self.principles_of(case)]
        pairs = [
            pair_result(first, second, name)
            for first, second, name in zip(replies[: self.pairs], replies[self.pairs :], names, strict=True)
        ]
        used = tuple(dict.fromkeys(name for name in names if name))
        return replace(_combined(pairs), shown_first=_shown_first(replies), pairs=tuple(pairs), principles=used)


def pair_result(first: Reading, second: Reading, principle: str = "") -> PairResult:
    """What the two orders come to, where `second` is the reply that was shown the right side first."""
    failed = next((reading for reading in (first, second) if reading.state != "verdict"), None)
    if failed is not None:
        return PairResult(failed.state, failed.reason, principle=principle)
    assert isinstance(first.verdict, PreferenceVerdict)
    assert isinstance(second.verdict, PreferenceVerdict)
    choice = first.verdict.choice
    other = turned(second.verdict.choice, is_turned=True)
    if choice != other:
        sentence = f"With the left side first the verdict is {choice}, with the right side first {other}."
        return PairResult("inconsistent", sentence, principle=principle)
    margins = tuple(margin for margin in (first.verdict.margin, second.verdict.margin) if margin)
    return PairResult("verdict", "", choice, margins, first.verdict.reason, principle)


def _combined(pairs: Sequence[PairResult]) -> Result:
    """A strict plurality of the consistent pairs, where more pairs are consistent than not."""
    states = [_state(pair) for pair in pairs]
    failure = failed_readings(states, "pairs of replies")
    if failure is not None:
        return failure
    counts = Counter(pair.choice for pair in pairs if pair.choice is not None)
    flips = [pair for pair in pairs if pair.outcome == "inconsistent"]
    votes = dict(counts) | ({"inconsistent": len(flips)} if flips else {}) | states_of(states)
    if len(flips) >= counts.total():
        sentence = (
            f"The verdict flips with the order in {len(flips)} of {len(flips) + counts.total()} pairs of replies."
        )
        single = flips[0].sentence if len(pairs) == 1 else sentence
        return Result("inconsistent", single, votes=votes, is_consistent=False)
    choice = plurality(counts)
    if choice is None:
        sentence = f"The votes are tied: {', '.join(f'{name} {count}' for name, count in sorted(counts.items()))}."
        return Result("tied", sentence, votes=votes, is_consistent=not flips)
    winning = [pair for pair in pairs if pair.choice == choice]
    return Result(
        "verdict",
        share=share_of(len(winning), len(pairs)),
        votes=votes,
        choice=choice,
        margin=middle_margin([margin for pair in winning for margin in pair.margins]),
        reason=next((pair.reason for pair in winning if pair.reason), ""),
        is_consistent=not flips,
    )


def _state(pair: PairResult) -> Reading:
    """The pair as one reading: both of its replies have a verdict, or one has none."""
    if pair.outcome == "refusal":
        return refused(pair.sentence)
    return unreadable(pair.sentence) if pair.outcome == "unreadable" else Reading("verdict")


def middle_margin(margins: Sequence[str]) -> str | None:
    """The median margin; of two in the middle, the smaller one. None without margins."""
    ordered = sorted(margins, key=MARGINS.index)
    return ordered[len(ordered) // 2] if ordered else None


def _texts(case: ComparisonCase, principle: Principle | None, *, is_turned: bool) -> dict[str, str]:
    sides = (case.right_text, case.left_text) if is_turned else (case.left_text, case.right_text)
    texts = {"problem": case.problem, "reference": case.reference, "solution_a": sides[0], "solution_b": sides[1]}
    return texts | ({"principle": principle.question} if principle else {})


def _shown_first(replies: Sequence[Reading]) -> dict[str, int]:
    """How often the side that was shown first, the one that was shown second, and neither was preferred."""
    counts = Counter(_SHOWN[reply.verdict.choice] for reply in replies if isinstance(reply.verdict, PreferenceVerdict))
    return {place: counts[place] for place in _SHOWN.values()}
