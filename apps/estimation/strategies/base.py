"""The interface of strategies: counts in; probes, and finally labels, out. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import msgspec

from apps.corpus.labels import BAD, GREAT, UNKNOWN, first_error, hard_label


@dataclass(frozen=True, slots=True)
class Counts:
    """Rollouts from one prefix so far. Missing ones (cut off, unreadable, lost) are not in `rollouts`."""

    successes: int = 0
    failures: int = 0
    missing: int = 0
    is_closed: bool = False  # No more rollouts will be sampled: too many are missing.

    @property
    def rollouts(self) -> int:
        return self.successes + self.failures

    @property
    def hard(self) -> bool | None:
        """Whether the step's hard label is good; None without counted rollouts."""
        label = hard_label(self.rollouts, self.successes)
        return None if label == UNKNOWN else label == GREAT


@dataclass(frozen=True, slots=True)
class Case:
    """A solution as a strategy sees it: its number of steps, and the prefixes that state a graded answer.

    Positions count from 0. `graded_positions[i]` is whether the answer stated by the prefix up to step i is right; such a
    prefix needs no rollout. The last position is normally among them.
    """

    steps: int
    graded_positions: Mapping[int, bool] = field(default_factory=dict)

    @property
    def open_positions(self) -> list[int]:
        """Positions whose prefix can be rolled out."""
        return [position for position in range(self.steps) if position not in self.graded_positions]

    @property
    def is_right(self) -> bool | None:
        """Whether the solution's own answer is right; None without a graded answer."""
        return self.graded_positions.get(self.steps - 1)


@dataclass(frozen=True, slots=True)
class Probe:
    """Sample `rollouts` more counted rollouts from the prefix that ends at `position`."""

    position: int
    rollouts: int


@dataclass(frozen=True, slots=True)
class StrategyLabels:
    """The labels that follow from the counts: one entry of `hard` per step, None if it is unknown.

    `first_error` is a position, -1 for no error, or None if it is unknown; `probability`, in [0, 1], is that of this first
    error, for strategies that compute it.
    """

    hard: Sequence[bool | None]
    first_error: int | None = None
    probability: float | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Options of a strategy, each with its bounds."""


class Strategy(Protocol):
    """Decides by the counts seen so far what to sample next; no probes: it is done."""

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    # Whether successes / rollouts is an unbiased estimate of the share that reaches the answer.
    yields_soft: ClassVar[bool]
    # Whether a right final answer may label all steps as good without rollouts.
    takes_answers: ClassVar[bool]

    def next(self, case: Case, step_counts: Sequence[Counts]) -> list[Probe]: ...

    def read(self, case: Case, step_counts: Sequence[Counts]) -> StrategyLabels: ...


def labels_by_step(case: Case, step_counts: Sequence[Counts]) -> StrategyLabels:
    """Each step's label by its own graded answer if it states one, else by hard estimation."""
    hard = [case.graded_positions.get(position, step_counts[position].hard) for position in range(case.steps)]
    ratings = {position: GREAT if is_good else BAD for position, is_good in enumerate(hard) if is_good is not None}
    error = first_error(ratings, case.steps)
    return StrategyLabels(hard, None if error == UNKNOWN else error)


def probes_up_to(target: int, case: Case, step_counts: Sequence[Counts]) -> list[Probe]:
    """Probes that bring every open position to `target` counted rollouts."""
    return [
        Probe(position, target - step_counts[position].rollouts)
        for position in case.open_positions
        if step_counts[position].rollouts < target and not step_counts[position].is_closed
    ]


def all_good(case: Case) -> StrategyLabels:
    """All steps are good: each prefix reached the right answer once, in the solution itself."""
    return StrategyLabels([True] * case.steps, -1)
