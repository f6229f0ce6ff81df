"""What a labeler hands in. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

import msgspec

FINISH_REASONS = ("found_error", "solution", "bad_problem", "give_up")
RATINGS = (-1, 0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedStep:
    """One answer: a rating of -1, 0 or +1, or `unsure`, on a candidate (both numbers from 0)."""

    position: int
    candidate: int = 0
    rating: int | None = None
    unsure: bool = False
    chosen: bool = False

    @property
    def is_answered(self) -> bool:
        return self.rating is not None or self.unsure


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Times are milliseconds; `reason` is asked for when the labeler gives up or the problem is bad."""

    steps: Sequence[SubmittedStep]
    finish_reason: str
    reason: str = ""
    active_ms: int | None = None
    idle_ms: int | None = None

    def digest(self) -> UUID:
        """The same for the same labels. Times are left out: a page that sends again has aged."""
        said = [self.finish_reason, self.reason.strip(), *(
            [step.position, step.candidate, step.rating, step.unsure, step.chosen] for step in self._ordered()
        )]  # fmt: skip
        return UUID(bytes=blake2b(msgspec.json.encode(said), digest_size=16).digest())

    def _ordered(self) -> list[SubmittedStep]:
        return sorted(self.steps, key=lambda step: (step.position, step.candidate))
