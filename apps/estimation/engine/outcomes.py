"""What became of a rollout. Pure."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from apps.estimation.strategies.base import Counts


class Outcome(StrEnum):
    """Only the first two are counted; the others are missing, never wrong."""

    SUCCESS = "s"  # Its answer is equivalent to the reference answer.
    FAILURE = "f"  # It is not.
    CUT = "c"  # Ended before the solution did: by the token limit, a filter, or the server.
    UNREADABLE = "u"  # No answer is found in it, or it cannot be compared with the reference.
    LOST = "l"  # The endpoint did not answer the request.


MISSING = (Outcome.CUT, Outcome.UNREADABLE, Outcome.LOST)
TOLD = {
    Outcome.CUT: "cut off before their end",
    Outcome.UNREADABLE: "without an answer that can be read",
    Outcome.LOST: "that the endpoint did not answer",
}
# A step takes so many missing rollouts more than twice what has been counted; then it is closed.
PATIENCE = 4


def counted(outcomes: str) -> Counts:
    """Counts of the outcomes of one step, in the letters above."""
    found = Counter(outcomes)
    missing = sum(found[one] for one in MISSING)
    successes, failures = found[Outcome.SUCCESS], found[Outcome.FAILURE]
    return Counts(successes, failures, missing, is_closed=missing >= PATIENCE + 2 * (successes + failures))


def missing_note(outcomes: str, reasons: list[str]) -> str:
    """A sentence on what is missing; empty where nothing is."""
    found = Counter(outcomes)
    parts = [f"{found[one]} {TOLD[one]}" for one in MISSING if found[one]]
    if not parts:
        return ""
    said = f": {reasons[-1]}" if reasons else ""
    return f"Missing rollouts: {', '.join(parts)}{said}"
