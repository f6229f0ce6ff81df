"""The counts of an export: what was read, what the rows contain, what was left out and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

Unit = Literal["solutions", "comparisons", "ratings", "preferences", "pairs"]


class Tally(msgspec.Struct):
    """Counts by unit, so that they add up.

    Every rating by a source of the policy is `carried` by some row or left out for one reason. Rows contain more labels
    than that: the steps before an alternative are `repeated`, and labels without a rating (the steps after a first error,
    when the policy makes them negative) are `made`. `positive_margins` are pairs whose margin is not 0.
    """

    solutions: int = 0
    comparisons: int = 0
    rows: int = 0
    carried: int = 0
    repeated: int = 0
    made: int = 0
    positive_margins: int = 0
    labels: Counter[str] = msgspec.field(default_factory=Counter)
    sources: Counter[str] = msgspec.field(default_factory=Counter)
    left_out: Counter[str] = msgspec.field(default_factory=Counter)

    def leave_out(self, unit: Unit, reason: str, count: int = 1) -> None:
        if count:
            self.left_out[f"{unit}: {reason}"] += count

    def leave_out_ratings(self, reasons: Mapping[str, int]) -> None:
        for reason, count in reasons.items():
            self.leave_out("ratings", reason, count)

    def carry(self, labels: Iterable[str]) -> None:
        """Count the labels of a row that equal their ratings."""
        before = self.labels.total()
        self.labels.update(labels)
        self.carried += self.labels.total() - before

    def left_out_of(self, unit: Unit) -> int:
        return sum(count for reason, count in self.left_out.items() if reason.startswith(f"{unit}: "))

    def ratings(self) -> dict[str, Any]:
        """`read` is `written` and `left_out` together; the rows' labels are `written`, `repeated` and `made` together."""
        left_out = self.left_out_of("ratings")
        return {
            "read": self.carried + left_out,
            "written": self.carried,
            "left_out": left_out,
            "repeated": self.repeated,
            "made": self.made,
        }
