"""What several replies come to: a strict plurality of those that can be read, if more than half of them can. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import ClassVar, Literal, TypeVar

from apps.judging.kinds.base import Ask, CaseT, Kind, KindOptions, Outcome, Readings, Result, SolutionCase, VoteOptions
from apps.judging.parsers import Shown
from apps.judging.verdicts import Reading, unreadable

K = TypeVar("K", bound=Hashable)
_NO_REPLY = unreadable("There is no reply.")


class VotingKind(Kind[CaseT, VoteOptions]):
    """A kind whose requests are votes."""

    @property
    def temperature(self) -> float:
        """Several votes at temperature 0 would be one vote."""
        given = self.options.temperature
        return given if given is not None else 0.0 if self.options.votes == 1 else 1.0


class SolutionVotes(VotingKind[SolutionCase]):
    """Each vote is the same question about a solution."""

    of: ClassVar[Literal["solution", "comparison"]] = "solution"
    option_type: ClassVar[type[KindOptions]] = VoteOptions

    @property
    def requests(self) -> int:
        return self.options.votes

    def asks(self, case: SolutionCase, readings: Readings) -> list[Ask]:
        slots = [slot for slot in range(self.options.votes) if slot not in readings]
        if not slots:
            return []
        texts = {"problem": case.problem, "reference": case.reference, "solution": case.text}
        prompt = self.prompt.request(texts, case.steps)
        shown = Shown(len(case.steps), self._visible(case))
        return [self._ask(slot, prompt, shown) for slot in slots]


def readings_of(readings: Readings, slots: Iterable[int]) -> list[Reading]:
    """The readings of these slots in order; one that is missing is unreadable."""
    return [readings.get(slot, _NO_REPLY) for slot in slots]


def failed_readings(readings: Sequence[Reading], noun: str = "replies") -> Result | None:
    """The result if no more than half of the readings are verdicts, else None.

    A few verdicts of a judge that mostly refuses or cannot be read are no evidence of what it would say.
    """
    verdicts = sum(reading.state == "verdict" for reading in readings)
    if 2 * verdicts > len(readings):
        return None
    refusals = sum(reading.state == "refusal" for reading in readings)
    unread = len(readings) - verdicts - refusals
    outcome: Outcome = "refusal" if refusals > unread else "unreadable"
    first = next(reading.reason for reading in readings if reading.state == outcome)
    if len(readings) == 1:
        return Result(outcome, first, votes={outcome: 1})
    counts = {"verdict": verdicts, "refusal": refusals, "unreadable": unread}
    sentence = f"Only {verdicts} of {len(readings)} {noun} have a verdict. {first}"
    return Result(outcome, sentence, votes={state: count for state, count in counts.items() if count})


def states_of(readings: Sequence[Reading]) -> dict[str, int]:
    """The numbers of refusals and unreadable replies, by state."""
    return dict(Counter(reading.state for reading in readings if reading.state != "verdict"))


def plurality(votes: Mapping[K, int]) -> K | None:
    """The key with more votes than any other; None for a tie, and without votes."""
    most = max(votes.values(), default=0)
    leaders = [key for key, count in votes.items() if count == most]
    return leaders[0] if len(leaders) == 1 else None


def share_of(count: int, votes: int) -> float | None:
    return count / votes if votes > 1 else None
