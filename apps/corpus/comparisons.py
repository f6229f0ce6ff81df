"""The sides of a comparison: what they share, and the digest that identifies the pair. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.corpus.identity import digest

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Side:
    """A solution, or one candidate of it: `step_id` and its place (position, candidate)."""

    solution_id: int
    solution_digest: UUID
    step_id: int | None = None
    place: Place | None = None

    @property
    def key(self) -> str:
        return f"{self.solution_digest}" if self.place is None else f"{self.solution_digest}:{self.place}"


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides of one problem that are to be compared."""

    problem_id: int
    left: Side
    right: Side
    shared_steps: int = 0
    external_id: str | None = None
    extras: dict[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> UUID:
        """The same for both orders of the sides."""
        return digest("comparison", *sorted((self.left.key, self.right.key)))


def shared_steps(left: Sequence[str], right: Sequence[str]) -> int:
    """How many steps both begin with, without the last step of either: there is always something to compare."""
    most = max(min(len(left), len(right)) - 1, 0)
    return next((place for place in range(most) if left[place] != right[place]), most)


OTHER = {"left": "right", "right": "left"}


def turned(choice: str, *, is_turned: bool) -> str:
    """The choice with left and right swapped where `is_turned`; a tie stays a tie."""
    return OTHER.get(choice, choice) if is_turned else choice
