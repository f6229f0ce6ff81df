"""Raters: whoever or whatever names first errors, rates steps or scores solutions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class RaterKind(StrEnum):
    PEOPLE = "people"  # All labelers together.
    PERSON = "person"
    CONSENSUS = "consensus"
    ROLLOUTS = "rollouts"
    JUDGE = "judge"
    REWARD_MODEL = "reward_model"
    OUTCOME_SCORE = "outcome_score"  # The scores of solutions that came with a file.


@dataclass(frozen=True, slots=True)
class Rater:
    """`user` is the user id of a person, whose name depends on who reads the report."""

    kind: RaterKind
    name: str
    user: int | None = None

    def to_dict(self) -> dict[str, Any]:
        row: dict[str, Any] = {"kind": self.kind.value, "name": self.name}
        return row if self.user is None else row | {"user": self.user}
