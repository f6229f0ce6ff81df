"""What a verifier is, and the three things that it can say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Grade(StrEnum):
    """`unparsed` means that nobody knows: it is neither right nor wrong, and never counts as either."""

    MATCH = "match"
    NO_MATCH = "no_match"
    UNPARSED = "unparsed"


class Outcome(NamedTuple):
    """A verdict and, where it is `unparsed`, why."""

    grade: Grade
    reason: str = ""


MATCH = Outcome(Grade.MATCH)
NO_MATCH = Outcome(Grade.NO_MATCH)

# Reasons that say as much of the machine as of the pair: elsewhere, or later, it may be graded.
TIME_LIMIT = "time limit"
MEMORY_LIMIT = "memory limit"
DIED = "the grading process died"
PASSING_REASONS = frozenset({TIME_LIMIT, MEMORY_LIMIT, DIED})


def unparsed(reason: str) -> Outcome:
    return Outcome(Grade.UNPARSED, reason)


def either(*, equal: bool) -> Outcome:
    return MATCH if equal else NO_MATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """One way of telling whether an answer is the reference answer.

    `quick` runs in the caller, in time linear in its input, and returns None when the pair needs
    `thorough`, which may hang or eat memory and so runs only in a child that can be killed. A
    verifier without `thorough` never returns None from `quick`. `version` changes whenever some
    verdict may change: verdicts are stored under it.
    """

    name: str
    version: str
    quick: Callable[[str, str], Outcome | None]
    thorough: Callable[[str, str], Outcome] | None = None

    def at_once(self, reference: str | None, answer: str | None) -> Outcome | None:
        """The outcome if it can be had inline. An empty side is refused: "" is not the answer ""."""
        if reference is None or not reference.strip():
            return unparsed("the reference answer is empty")
        if answer is None or not answer.strip():
            return unparsed("the answer is empty")
        return self.quick(reference, answer)

    def settle(self, reference: str, answer: str) -> Outcome:
        """The outcome, whatever it costs: for the child, and for inputs that the caller trusts."""
        outcome = self.at_once(reference, answer)
        if outcome is None and self.thorough is not None:
            outcome = self.thorough(reference, answer)
        return outcome or unparsed("the verifier has no opinion")

    def compare(self, reference: str, answer: str) -> Grade:
        """As `settle`, without the reason. Has no time limit: hostile input belongs in a GradingPool."""
        return self.settle(reference, answer).grade
