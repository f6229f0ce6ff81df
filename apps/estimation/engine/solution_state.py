"""A solution on its way through the engine, and what requests for it gave. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.estimation.engine.outcomes import Outcome, counted
from apps.estimation.strategies.base import Case, Counts, Strategy
from apps.inference.prompts import Template
from apps.inference.types import Answer, Sampling


@dataclass(slots=True)
class Work:
    """A solution to be estimated: what is known of it, and the rollouts that are stored already."""

    solution_id: int
    statement: str
    separator: str
    steps: list[str]
    step_ids: list[int]
    verifier: str
    reference: str | None
    case: Case
    is_gradable: bool = True  # Whether the reference answer can be compared with anything.
    unreadable: frozenset[int] = frozenset()  # Prefixes with an answer of their own that cannot be graded.
    outcomes: list[dict[int, str]] = field(default_factory=list)  # Per position, letters by ordinal.
    tokens: list[int] = field(default_factory=list)
    reasons: list[list[str]] = field(default_factory=list)
    is_elsewhere: bool = False  # Another worker has taken it over.

    def __post_init__(self) -> None:
        self.outcomes = self.outcomes or [{} for _ in self.steps]
        self.tokens = self.tokens or [0] * len(self.steps)
        self.reasons = self.reasons or [[] for _ in self.steps]

    def seen(self) -> list[Counts]:
        found = [counted("".join(batches.values())) for batches in self.outcomes]
        for position in self.unreadable:
            found[position] = Counts(is_closed=True)
        for position, reasons in enumerate(self.reasons):
            if reasons:
                one = found[position]
                found[position] = Counts(one.successes, one.failures, one.missing, is_closed=True)
        return found

    def hindrance(self) -> str | None:
        """Why nothing can be estimated here; None when it can."""
        if not self.steps:
            return "The solution has no steps."
        if not self.reference:
            return "The problem has no reference answer."
        if not self.is_gradable:
            return f"The reference answer {self.reference[:80]!r} cannot be compared by the verifier {self.verifier!r}."
        return None

    def places(self, position: int, rollouts: int) -> list[tuple[int, int]]:
        """Free numbers for so many rollouts more, as (first, how many): a killed worker may have left a gap."""
        taken = {
            ordinal + index for ordinal, letters in self.outcomes[position].items() for index in range(len(letters))
        }
        free: list[tuple[int, int]] = []
        ordinal = 0
        while rollouts:
            if ordinal not in taken:
                if free and sum(free[-1]) == ordinal:
                    free[-1] = (free[-1][0], free[-1][1] + 1)
                else:
                    free.append((ordinal, 1))
                rollouts -= 1
            ordinal += 1
        return free


@dataclass(frozen=True, slots=True)
class Told:
    """One rollout: its text, the answer that it states, and what became of it."""

    text: str
    answer: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Batch:
    """What one request gave, ready to be stored."""

    solution_id: int
    step_id: int
    ordinal: int
    rollouts: tuple[Told, ...]
    answer: Answer
    reason: str = ""

    @property
    def letters(self) -> str:
        return "".join(one.outcome for one in self.rollouts)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has frozen, as the engine needs it."""

    strategy: Strategy
    sampling: Sampling
    template: Template
    seed: int
    answers_suffice: bool = False
