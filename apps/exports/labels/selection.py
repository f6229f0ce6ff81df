"""Which solutions of one problem an export takes, where the policy limits them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.exports.policy import LabelPolicy


@dataclass(frozen=True, slots=True)
class Candidate:
    """A solution of the problem that the policy's filters select."""

    key: int
    text: str
    is_correct: bool | None
    source: str | None


def selects_solutions(policy: LabelPolicy) -> bool:
    """Whether the policy has a rule for `select_solutions`; without one it is not called."""
    return False


def select_solutions(statement: str, candidates: Sequence[Candidate], policy: LabelPolicy) -> Mapping[int, str]:
    """By key, why a solution is left out."""
    return {}
