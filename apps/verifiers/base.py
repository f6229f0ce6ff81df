"""The verifier interface and the three grades it returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Grade(StrEnum):
    """`unparsed` means that the answer could not be graded: it counts neither as right nor as wrong."""

    MATCH = "match"
    NO_MATCH = "no_match"
    UNPARSED = "unparsed"


class GradeOutcome(NamedTuple):
    """A grade and, where it is `unparsed`, the reason."""

    grade: Grade
    reason: str = ""


MATCH = GradeOutcome(Grade.MATCH)
NO_MATCH = GradeOutcome(Grade.NO_MATCH)

# These reasons depend on the machine as well as on the pair: a later attempt may succeed.
TIME_LIMIT = "time limit"
MEMORY_LIMIT = "memory limit"
PROCESS_DIED = "the grading process died"
TRANSIENT_REASONS = frozenset({TIME_LIMIT, MEMORY_LIMIT, PROCESS_DIED})


def unparsed(reason: str) -> GradeOutcome:
    return GradeOutcome(Grade.UNPARSED, reason)


def match_if(*, equal: bool) -> GradeOutcome:
    return MATCH if equal else NO_MATCH


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """One way to decide whether an answer equals the reference answer.

    `quick` runs in the calling process, in time linear in its input, and returns None when the pair needs
    `thorough`, which may hang or exhaust memory and therefore runs only in a child process that can be killed. A
    verifier without `thorough` never returns None from `quick`. `version` changes whenever a grade may change:
    grades are stored under it.
    """

    name: str
    version: str
    quick: Callable[[str, str], GradeOutcome | None]
    thorough: Callable[[str, str], GradeOutcome] | None = None

    def grade_inline(self, reference: str | None, answer: str | None) -> GradeOutcome | None:
        """The outcome of `quick`. An empty side is unparsed, even against another empty one."""
        if reference is None or not reference.strip():
            return unparsed("the reference answer is empty")
        if answer is None or not answer.strip():
            return unparsed("the answer is empty")
        return self.quick(reference, answer)

    def grade(self, reference: str, answer: str) -> GradeOutcome:
        """The outcome at any cost: for the child process, and for inputs that the caller trusts."""
        outcome = self.grade_inline(reference, answer)
        if outcome is None and self.thorough is not None:
            outcome = self.thorough(reference, answer)
        return outcome or unparsed("the verifier cannot compare the answers")

    def compare(self, reference: str, answer: str) -> Grade:
        """Like `grade`, without the reason. Has no time limit: untrusted input belongs in a GradingPool."""
        return self.grade(reference, answer).grade
