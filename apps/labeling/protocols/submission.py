"""What a labeler submits. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from uuid import UUID

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedStep:
    """The answer to one candidate: a rating of -1, 0 or +1, or `unsure`. Positions and candidates count from 0.

    `text` is set for a step that the labeler wrote; such a step needs no rating. `comment` is a remark on the step, for
    reviewers.
    """

    position: int
    candidate: int = 0
    rating: int | None = None
    unsure: bool = False
    chosen: bool = False
    text: str | None = None
    comment: str = ""

    @property
    def is_answered(self) -> bool:
        return self.rating is not None or self.unsure or self.text is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmittedPreference:
    """Which side is better, `left`, `right` or `tie`, and by how much. The sides are those that were shown."""

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
    """Times are in milliseconds; `reason` is required where the labeler gives up or the problem is bad.

    `reply` answers the note with which a reviewer returned the assignment.
    """

    steps: Sequence[SubmittedStep] = ()
    finish_reason: str
    reason: str = ""
    preference: SubmittedPreference | None = None
    progress: int | None = None
    critiques: Sequence[SubmittedCritique] = ()
    reply: str = ""
    active_ms: int | None = None
    idle_ms: int | None = None

    def digest(self) -> UUID:
        """Equal for equal labels. Times are left out, since they differ when a page sends its submission again.

        Absent answers are left out too, so that a new kind of answer does not change the digests of submissions
        without it.
        """
        answers: list[object] = [self.finish_reason, self.reason.strip()]
        for step in sorted(self.steps, key=lambda step: (step.position, step.candidate)):
            answer: list[object] = [step.position, step.candidate, step.rating, step.unsure, step.chosen]
            texts = [step.text, step.comment.strip()] if step.comment.strip() else [step.text] if step.text else []
            answers.append([*answer, *texts])
        optional = (self.preference, self.progress, tuple(self.critiques) or None)
        if any(answer is not None for answer in optional):
            answers.append(optional)
        if self.reply.strip():
            answers.append({"reply": self.reply.strip()})
        return UUID(bytes=blake2b(msgspec.json.encode(answers), digest_size=16).digest())

    def to_dict(self) -> dict[str, object]:
        """The form that is stored and that `from_dict` reads."""
        return dict(msgspec.to_builtins(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Submission:
        return msgspec.convert(values, cls)
