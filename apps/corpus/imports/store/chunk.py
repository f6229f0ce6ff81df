"""The records of a chunk while they are being stored, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from apps.corpus.grading import Graded
from apps.corpus.identity import problem_digest, solution_digest
from apps.corpus.records import Record, RowError, SolutionRecord


@dataclass(slots=True)
class KnownProblem:
    """A problem that is in the database, or about to be. `values` are those that a later row may fill."""

    id: int
    digest: UUID
    values: dict[str, str | None]
    is_new: bool = False
    is_filled: bool = False

    def fill(self, values: dict[str, str | None]) -> None:
        """Take over the values that the problem lacks."""
        for name, value in values.items():
            if value and not self.values[name]:
                self.values[name], self.is_filled = value, True


@dataclass(slots=True)
class Incoming:
    """A record that is being imported, and what is known of it so far."""

    line: int
    record: Record
    problem_digest: UUID
    solution_digest: UUID | None
    graded: Graded = field(default_factory=Graded)
    problem: KnownProblem | None = None
    solution_id: int = 0
    is_new: bool = False
    pairing: Pairing | None = None

    @classmethod
    def all_of(cls, line: int, record: Record) -> list[Incoming]:
        """One for a record; for a comparison one for each of its solutions."""
        if record.comparison is None:
            return [cls.of(line, record)]
        comparison = record.comparison
        left_side = cls.of(line, Record(problem=record.problem, solution=comparison.left))
        right_side = left_side
        if comparison.right is not None:
            right_side = cls.of(line, Record(problem=record.problem, solution=comparison.right))
        left_side.pairing = right_side.pairing = Pairing(record, left_side, right_side)
        return [left_side] if right_side is left_side else [left_side, right_side]

    @classmethod
    def of(cls, line: int, record: Record) -> Incoming:
        solution = record.solution
        return cls(
            line,
            record,
            problem_digest(record.problem.statement),
            solution_digest(solution) if solution is not None else None,
        )

    @property
    def solution(self) -> SolutionRecord:
        """Only for rows that have one."""
        assert self.record.solution is not None
        return self.record.solution

    @property
    def known_problem(self) -> KnownProblem:
        """Only once the problems are stored."""
        assert self.problem is not None
        return self.problem


@dataclass(slots=True)
class Pairing:
    """A comparison that is being imported, and its sides; both are one solution where its own steps are compared."""

    record: Record
    left: Incoming
    right: Incoming

    @property
    def is_of_steps(self) -> bool:
        return self.record.comparison is not None and self.record.comparison.left_step is not None

    @property
    def is_stored(self) -> bool:
        return bool(self.left.solution_id and self.right.solution_id)


@dataclass(slots=True)
class Outcome:
    """What came of a chunk.

    `rejected` holds (line, error) of the records that could not be stored, `ignored` (line, part) of what was left out
    of records that were.
    """

    problems: int = 0
    solutions: int = 0
    steps: int = 0
    labels: int = 0
    skipped_existing: int = 0
    rejected: list[tuple[int, RowError]] = field(default_factory=list)
    ignored: set[tuple[int, str]] = field(default_factory=set)
    filled_problem_ids: list[int] = field(default_factory=list)

    def reject(self, row: Incoming, field_name: str, reason: str) -> None:
        self.rejected.append((row.line, RowError(field_name, reason)))

    def add(self, other: Outcome) -> None:
        """Add the counts of another outcome."""
        for name in ("problems", "solutions", "steps", "labels", "skipped_existing"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rejected.extend(other.rejected)
        self.ignored |= other.ignored
        self.filled_problem_ids.extend(other.filled_problem_ids)
