"""The counts of an export: what was read, what the rows contain, what was left out and why. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from apps.exports.rows.row_length import TOKEN_LIMITS, row_length, tokens

Unit = Literal["problems", "solutions", "comparisons", "ratings", "preferences", "critiques", "pairs"]


class Tally(msgspec.Struct):
    """Counts by unit, so that they add up.

    Every rating by a source of the policy is `carried` by some row or left out for one reason. Rows contain more labels
    than that: the steps before an alternative are `repeated`, and labels without a rating (the steps after a first error,
    when the policy makes them negative) are `made`. `by_cascade` counts the solutions whose labels are those of the project's
    cascade. `positive_margins` counts pairs whose margin is not 0.

    `longest` is the length of the longest row in tokens, and `long_rows` counts the rows above each of TOKEN_LIMITS.
    `notices` are sentences for the dataset card, in order and without repetition.
    """

    solutions: int = 0
    comparisons: int = 0
    rows: int = 0
    carried: int = 0
    repeated: int = 0
    made: int = 0
    by_cascade: int = 0
    positive_margins: int = 0
    labels: Counter[str] = msgspec.field(default_factory=Counter)
    sources: Counter[str] = msgspec.field(default_factory=Counter)
    left_out: Counter[str] = msgspec.field(default_factory=Counter)
    longest: int = 0
    long_rows: Counter[int] = msgspec.field(default_factory=Counter)
    notices: list[str] = msgspec.field(default_factory=list)

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

    def count_rows(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Count rows as they are written, with their lengths."""
        for row in rows:
            self.rows += 1
            length = tokens(row_length(row))
            self.longest = max(self.longest, length)
            for limit in TOKEN_LIMITS:
                self.long_rows[limit] += length > limit

    def count_frame(self, rows: int, *, longest: int, long_rows: Mapping[int, int]) -> None:
        """Count many rows at once: the length in tokens of the longest, and how many are above each of TOKEN_LIMITS."""
        self.rows += rows
        self.longest = max(self.longest, longest)
        self.long_rows.update(long_rows)

    def notice(self, sentence: str) -> None:
        """Add a sentence to the dataset card."""
        if sentence not in self.notices:
            self.notices.append(sentence)

    def add(self, other: Tally) -> None:
        """Add the counts of another part of the same export."""
        for name in (
            "solutions",
            "comparisons",
            "rows",
            "carried",
            "repeated",
            "made",
            "by_cascade",
            "positive_margins",
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("labels", "sources", "left_out", "long_rows"):
            getattr(self, name).update(getattr(other, name))
        self.longest = max(self.longest, other.longest)
        for sentence in other.notices:
            self.notice(sentence)

    def to_dict(self) -> dict[str, Any]:
        """The form that JSON can hold and that `from_dict` reads."""
        return dict(msgspec.to_builtins(self, str_keys=True))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Tally:
        counters = {name: Counter(values[name]) for name in ("labels", "sources", "left_out")}
        long_rows = Counter({int(limit): count for limit, count in values["long_rows"].items()})
        return cls(**{**values, **counters, "long_rows": long_rows})

    def left_out_of(self, unit: Unit) -> int:
        return sum(count for reason, count in self.left_out.items() if reason.startswith(f"{unit}: "))

    def lengths(self) -> dict[str, Any]:
        """The longest row in tokens, and the number of rows above each limit."""
        return {"longest": self.longest, "above": {str(limit): self.long_rows[limit] for limit in TOKEN_LIMITS}}

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
