"""The state of a solution in the engine, and the batches of rollouts made for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from apps.estimation.engine.outcomes import RolloutOutcome, counted
from apps.estimation.strategies.base import Case, Counts, Strategy
from apps.inference.prompts import Template
from apps.inference.types import ModelResponse, SamplingParameters


@dataclass(slots=True)
class SolutionState:
    """A solution to be estimated, with the outcomes of its rollouts so far."""

    solution_id: int
    statement: str
    separator: str
    steps: list[str]
    step_ids: list[int]
    verifier: str
    reference: str | None
    case: Case
    is_gradable: bool = True  # Whether the reference answer can be compared with anything.
    unreadable: frozenset[int] = frozenset()  # Positions whose prefix states an answer that cannot be graded.
    outcomes: list[dict[int, str]] = field(default_factory=list)  # By position: letters by ordinal.
    tokens: list[int] = field(default_factory=list)
    reasons: list[list[str]] = field(default_factory=list)
    is_taken_over: bool = False  # By another worker.

    def __post_init__(self) -> None:
        self.outcomes = self.outcomes or [{} for _ in self.steps]
        self.tokens = self.tokens or [0] * len(self.steps)
        self.reasons = self.reasons or [[] for _ in self.steps]

    @property
    def item_id(self) -> int:
        return self.solution_id

    def counts(self) -> list[Counts]:
        """The counts of each step."""
        by_step = [counted("".join(batches.values())) for batches in self.outcomes]
        for position in self.unreadable:
            by_step[position] = Counts(is_closed=True)
        for position, reasons in enumerate(self.reasons):
            if reasons:
                counts = by_step[position]
                by_step[position] = Counts(counts.successes, counts.failures, counts.missing, is_closed=True)
        return by_step

    def exclusion_reason(self) -> str | None:
        """Why nothing can be estimated for this solution; None if it can."""
        if not self.steps:
            return "The solution has no steps."
        if not self.reference:
            return "The problem has no reference answer."
        if not self.is_gradable:
            return f"The reference answer {self.reference[:80]!r} cannot be compared by the verifier {self.verifier!r}."
        return None

    def free_ordinals(self, position: int, rollouts: int) -> list[tuple[int, int]]:
        """Unused numbers for `rollouts` more rollouts, as (first, count): a killed worker may have left gaps."""
        used = {
            ordinal + index for ordinal, letters in self.outcomes[position].items() for index in range(len(letters))
        }
        ranges: list[tuple[int, int]] = []
        ordinal = 0
        while rollouts:
            if ordinal not in used:
                if ranges and sum(ranges[-1]) == ordinal:
                    ranges[-1] = (ranges[-1][0], ranges[-1][1] + 1)
                else:
                    ranges.append((ordinal, 1))
                rollouts -= 1
            ordinal += 1
        return ranges


@dataclass(frozen=True, slots=True)
class GradedRollout:
    """A rollout's text, the answer that it states, and its outcome."""

    text: str
    answer: str
    outcome: RolloutOutcome


@dataclass(frozen=True, slots=True)
class Batch:
    """The rollouts of one request, ready to be stored."""

    solution_id: int
    step_id: int
    ordinal: int
    rollouts: tuple[GradedRollout, ...]
    response: ModelResponse
    reason: str = ""

    @property
    def item_id(self) -> int:
        return self.solution_id

    @property
    def letters(self) -> str:
        return "".join(rollout.outcome for rollout in self.rollouts)


@dataclass(frozen=True, slots=True)
class Plan:
    """The frozen parameters of a run, as the engine needs them."""

    strategy: Strategy
    sampling: SamplingParameters
    template: Template
    seed: int
    answers_suffice: bool = False
