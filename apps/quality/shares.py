"""A share with what it rests on. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from apps.estimation.intervals import wilson


@dataclass(frozen=True, slots=True)
class Share:
    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson, 95 %: (0, 1) where there is nothing yet."""
        return wilson(self.hits, self.of)
