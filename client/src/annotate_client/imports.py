"""Imports: what became of each row."""

from __future__ import annotations

from dataclasses import dataclass

from annotate_client.jobs import Job


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """`line` counts from 1; `field` is empty where the row as a whole cannot be read."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field + ': ' if self.field else ''}{self.reason}"


class Import(Job):
    route, title = "imports", "Import"

    @property
    def rows(self) -> int:
        return int(self.info["rows"])

    @property
    def rejected(self) -> int:
        return int(self.info["rejected"])

    @property
    def skipped_existing(self) -> int:
        """Rows that were stored already."""
        return int(self.info["skipped_existing"])

    @property
    def rejected_rows(self) -> list[RejectedRow]:
        """At most the first 1000."""
        return [RejectedRow(row["line"], row["field"], row["reason"]) for row in self.info["rejected_rows"]]
