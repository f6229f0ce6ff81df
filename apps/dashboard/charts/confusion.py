"""Confusion matrices: counts of one kind against another, with how dark each cell is. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

DARKEST = 5  # Levels of the scale in charts.css, over 0.


@dataclass(frozen=True, slots=True)
class ConfusionCell:
    """`share` is that of its row; None in a row without counts."""

    count: int
    share: float | None

    @property
    def level(self) -> int:
        return ceil((self.share or 0.0) * DARKEST)


def confusion_of(rows: Sequence[Sequence[Any]]) -> list[tuple[str, list[ConfusionCell]]]:
    """Of rows that begin with their title."""
    matrix = []
    for title, *counts in rows:
        total = sum(counts)
        matrix.append((str(title), [ConfusionCell(count, count / total if total else None) for count in counts]))
    return matrix
