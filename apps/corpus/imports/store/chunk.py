"""What the parts of the landing pass to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from apps.corpus.grading import Graded
from apps.corpus.identity import problem_digest, solution_digest
from apps.corpus.records import Record, RowError, SolutionRecord


@dataclass(slots=True)
class KnownProblem:
    """A problem that stands in the database, or is about to. `values` are those that may be filled."""

    id: int
    digest: UUID
    values: dict[str, str | None]
    is_new: bool = False
    is_filled: bool = False


@dataclass(slots=True)
class Incoming:
    """A record on its way in, and what has been found out about it so far."""

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
        """One for a record; for a comparison one for each of its solutions, the first of which knows both."""
        if record.comparison is None:
            return [cls.of(line, record)]
        compared = record.comparison
        left = cls.of(line, Record(problem=record.problem, solution=compared.left))
        right = left
        if compared.right is not None:
            right = cls.of(line, Record(problem=record.problem, solution=compared.right))
        pairing = Pairing(record, left, right)
        left.pairing = right.pairing = pairing
        return [left] if right is left else [left, right]

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
        """Only once the problems have landed."""
        assert self.problem is not None
        return self.problem


@dataclass(slots=True)
class Pairing:
    """A comparison on its way in, and its sides; one solution stands on both where its own steps are compared."""

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
    """What a chunk came to. `rejected` holds (line, error) of the records that could not land.

    `ignored` holds (line, part) of what was left out of records that landed.
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
        """Take the counts of a part into the whole."""
        for name in ("problems", "solutions", "steps", "labels", "skipped_existing"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.rejected.extend(other.rejected)
        self.ignored |= other.ignored
        self.filled_problem_ids.extend(other.filled_problem_ids)
