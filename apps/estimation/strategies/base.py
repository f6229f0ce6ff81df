"""What every strategy sees, asks and says. Pure: the same sights, the same asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import msgspec

from apps.corpus.labels import GREAT, UNKNOWN, hard_label


@dataclass(frozen=True, slots=True)
class Counts:
    """Rollouts from one prefix so far: a missing one (cut off, unreadable, failed) is not in `rollouts`."""

    successes: int = 0
    failures: int = 0
    missing: int = 0
    is_closed: bool = False  # No more will come: the attempts that a missing rollout may take are used up.

    @property
    def rollouts(self) -> int:
        return self.successes + self.failures

    @property
    def hard(self) -> bool | None:
        """Whether the step is good by its hard label; None where nothing was counted."""
        label = hard_label(self.rollouts, self.successes)
        return None if label == UNKNOWN else label == GREAT


@dataclass(frozen=True, slots=True)
class Case:
    """A solution as a strategy sees it: how many steps, and the prefixes whose own answer has been graded.

    Positions count from 0. `settled[i]` is whether the answer that the prefix up to step i holds is right;
    such a prefix needs no rollout. A whole solution normally has its last position settled.
    """

    steps: int
    settled: Mapping[int, bool] = field(default_factory=dict)

    @property
    def open(self) -> list[int]:
        """Positions that can be rolled out."""
        return [position for position in range(self.steps) if position not in self.settled]

    @property
    def is_right(self) -> bool | None:
        """Whether the solution's own answer is right; None when it holds none."""
        return self.settled.get(self.steps - 1)


@dataclass(frozen=True, slots=True)
class Ask:
    """Sample so many counted rollouts more from the prefix that ends at this position."""

    position: int
    rollouts: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What the counts say. One entry of `hard` per step, None where nothing is known.

    `first_error` is a position, -1 for "no error", None for "cannot be told"; `probability` is how sure the
    strategy is of it, in [0, 1], where it can say.
    """

    hard: Sequence[bool | None]
    first_error: int | None = None
    probability: float | None = None


class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of a strategy. Whoever adds one adds its bounds with it."""


class Strategy(Protocol):
    """Given what has been seen, what to sample next, or that it is done (no asks)."""

    name: ClassVar[str]
    title: ClassVar[str]
    about: ClassVar[str]
    # Whether successes / rollouts is an unbiased estimate of the share that reaches the answer.
    gives_soft: ClassVar[bool]
    # Whether a right final answer may stand for all steps without rollouts.
    takes_answers: ClassVar[bool]

    def next(self, case: Case, seen: Sequence[Counts]) -> list[Ask]: ...

    def read(self, case: Case, seen: Sequence[Counts]) -> Reading: ...


def hard_labels(case: Case, seen: Sequence[Counts]) -> list[bool | None]:
    """Per step: its own graded answer where it holds one, else hard estimation."""
    return [case.settled.get(position, seen[position].hard) for position in range(case.steps)]


def first_bad(hard: Sequence[bool | None]) -> int | None:
    """The first False, -1 when all are True, None when something before it is unknown."""
    for position, label in enumerate(hard):
        if label is None:
            return None
        if not label:
            return position
    return -1


def up_to(target: int, case: Case, seen: Sequence[Counts]) -> list[Ask]:
    """Asks that bring every open position to `target` counted rollouts."""
    return [
        Ask(position, target - seen[position].rollouts)
        for position in case.open
        if seen[position].rollouts < target and not seen[position].is_closed
    ]


def all_good(case: Case) -> Reading:
    """Every prefix of this solution did reach the answer: once, in the solution itself."""
    return Reading([True] * case.steps, -1)
