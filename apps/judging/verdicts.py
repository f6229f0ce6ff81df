"""What one reply of a judge says: a verdict, a refusal, or nothing that can be read. Pure, and stored as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import msgspec

from apps.corpus.labels import UNKNOWN, first_error

State = Literal["verdict", "refusal", "unreadable"]


class StepsVerdict(msgspec.Struct, frozen=True):
    """Ratings and reasons by position, without gaps from step 0 to the first bad step, or to the end if none is bad."""

    kind: ClassVar = "steps"
    ratings: Mapping[int, int]
    reasons: Mapping[int, str] = msgspec.field(default_factory=dict)

    @property
    def first_error(self) -> int:
        """The position of the first bad step, or NO_ERROR."""
        return first_error(self.ratings, max(self.ratings) + 1) if self.ratings else UNKNOWN

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "ratings": {str(position): rating for position, rating in sorted(self.ratings.items())},
            "reasons": {str(position): reason for position, reason in sorted(self.reasons.items())},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> StepsVerdict:
        ratings = {int(position): rating for position, rating in values["ratings"].items()}
        return cls(ratings, {int(position): reason for position, reason in values["reasons"].items()})


class OutcomeVerdict(msgspec.Struct, frozen=True):
    kind: ClassVar = "outcome"
    passes: bool
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "passes": self.passes, "reason": self.reason}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> OutcomeVerdict:
        return cls(values["passes"], values["reason"])


class PreferenceVerdict(msgspec.Struct, frozen=True):
    """`choice` is one of CHOICES of the labels, where left is the side that was shown first. A tie has no margin."""

    kind: ClassVar = "preference"
    choice: str
    margin: str | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "choice": self.choice, "margin": self.margin, "reason": self.reason}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> PreferenceVerdict:
        return cls(values["choice"], values["margin"], values["reason"])


class TextVerdict(msgspec.Struct, frozen=True):
    """A critique, or a revised solution."""

    kind: ClassVar = "text"
    text: str

    def to_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, "text": self.text}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TextVerdict:
        return cls(values["text"])


Verdict = StepsVerdict | OutcomeVerdict | PreferenceVerdict | TextVerdict
_KINDS: dict[str, type[Verdict]] = {
    kind.kind: kind for kind in (StepsVerdict, OutcomeVerdict, PreferenceVerdict, TextVerdict)
}


class Reading(msgspec.Struct, frozen=True):
    """What a reply says. `reason` is a sentence that says why there is no verdict, or empty."""

    state: State
    verdict: Verdict | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        verdict = self.verdict.to_dict() if self.verdict else None
        return {"state": self.state, "verdict": verdict, "reason": self.reason}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Reading:
        verdict = values["verdict"]
        return cls(values["state"], _KINDS[verdict["kind"]].from_dict(verdict) if verdict else None, values["reason"])


def read(verdict: Verdict) -> Reading:
    return Reading("verdict", verdict)


def refused(reason: str) -> Reading:
    return Reading("refusal", reason=reason)


def unreadable(reason: str) -> Reading:
    return Reading("unreadable", reason=reason)
