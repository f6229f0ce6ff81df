"""What a labeler hands in. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedStep:
    """One answer: a rating of -1, 0 or +1, or `unsure`, on a candidate (both numbers from 0).

    `text` is what the labeler wrote as a step of their own; such a step needs no rating.
    """

    position: int
    candidate: int = 0
    rating: int | None = None
    unsure: bool = False
    chosen: bool = False
    text: str | None = None

    @property
    def is_answered(self) -> bool:
        return self.rating is not None or self.unsure or self.text is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedPreference:
    """Which of the two sides is better, as they were shown: `left`, `right` or `tie`, and by how much."""

    choice: str
    margin: str = ""
    rationale: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedCritique:
    """A rating of -1, 0 or +1 of a critique that was shown (`id`), or the text of one that the labeler wrote."""

    id: int | None = None
    rating: int | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """Times are milliseconds; `reason` is asked for when the labeler gives up or the problem is bad."""

    steps: Sequence[SubmittedStep] = ()
    finish_reason: str
    reason: str = ""
    preference: SubmittedPreference | None = None
    progress: int | None = None
    critiques: Sequence[SubmittedCritique] = ()
    active_ms: int | None = None
    idle_ms: int | None = None

    def digest(self) -> UUID:
        """The same for the same labels. Times are left out: a page that sends again has aged."""
        return UUID(bytes=blake2b(msgspec.json.encode(self._said()), digest_size=16).digest())

    def _said(self) -> list[object]:
        """Parts that say nothing are left out, so that the digest of a submission without them stays what it was."""
        more = (self.preference, self.progress, tuple(self.critiques) or None)
        said: list[object] = [
            self.finish_reason,
            self.reason.strip(),
            *(
                [
                    step.position,
                    step.candidate,
                    step.rating,
                    step.unsure,
                    step.chosen,
                    *([step.text] if step.text else []),
                ]
                for step in sorted(self.steps, key=lambda step: (step.position, step.candidate))
            ),
        ]
        return [*said, more] if any(part is not None for part in more) else said

    def to_dict(self) -> dict[str, object]:
        """As it was handed in; what `from_dict` reads."""
        return dict(msgspec.to_builtins(self))

    @classmethod
    def from_dict(cls, said: Mapping[str, object]) -> Submission:
        return msgspec.convert(said, cls)
