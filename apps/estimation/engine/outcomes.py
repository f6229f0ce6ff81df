"""Outcomes of rollouts. Pure."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from apps.estimation.strategies.base import Counts


class RolloutOutcome(StrEnum):
    """Only the first two are counted; the others are missing, never wrong."""

    SUCCESS = "s"  # Its answer is equivalent to the reference answer.
    FAILURE = "f"  # It is not.
    CUT = "c"  # Ended before the solution did: by the token limit, a filter, or the server.
    UNREADABLE = "u"  # It states no answer, or one that cannot be compared with the reference answer.
    LOST = "l"  # The endpoint did not answer the request.


MISSING = (RolloutOutcome.CUT, RolloutOutcome.UNREADABLE, RolloutOutcome.LOST)
OUTCOME_TEXTS = {
    RolloutOutcome.CUT: "cut off before their end",
    RolloutOutcome.UNREADABLE: "without a readable answer",
    RolloutOutcome.LOST: "not answered by the endpoint",
}
# A step is closed when its missing rollouts exceed twice the counted ones by this number.
MISSING_ALLOWANCE = 4


def missing_count(outcomes: str) -> int:
    return sum(outcomes.count(outcome) for outcome in MISSING)


def counted(outcomes: str) -> Counts:
    """The counts of one step, from the letters of its outcomes."""
    successes, failures = outcomes.count(RolloutOutcome.SUCCESS), outcomes.count(RolloutOutcome.FAILURE)
    missing = missing_count(outcomes)
    return Counts(successes, failures, missing, is_closed=missing >= MISSING_ALLOWANCE + 2 * (successes + failures))


def missing_note(outcomes: str, reasons: list[str]) -> str:
    """A sentence on the missing rollouts of a step; empty if none are missing."""
    by_outcome = Counter(outcomes)
    parts = [f"{by_outcome[outcome]} {OUTCOME_TEXTS[outcome]}" for outcome in MISSING if by_outcome[outcome]]
    if not parts:
        return ""
    reason = f": {reasons[-1]}" if reasons else ""
    return f"Missing rollouts: {', '.join(parts)}{reason}"
