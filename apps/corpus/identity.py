"""What makes two rows the same problem, or the same solution. Pure."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from apps.corpus.records import SolutionRecord

_UNIT = "\x1f"  # ASCII's unit separator: no text of a row is likely to hold it.


def digest(*parts: str) -> UUID:
    return UUID(bytes=blake2b(_UNIT.join(parts).encode(), digest_size=16).digest())


# Of a solution that nobody has begun: what a round starts from where only the problem is given.
EMPTY_SOLUTION = digest("blank")


def problem_digest(statement: str) -> UUID:
    """White space around a statement does not make it another problem."""
    return digest(statement.strip())


def solution_digest(solution: SolutionRecord) -> UUID:
    """The reader's `identity` where it gives one, else who wrote it and what it says."""
    if solution.identity is not None:
        return digest("identity", solution.identity)
    texts = [f"{step.position}{_UNIT}{step.candidate}{_UNIT}{step.text}" for step in solution.steps]
    return digest("content", solution.source or "", *texts)
