"""Digests that identify problems and solutions: rows with the same digest are the same. Pure."""

from __future__ import annotations

from hashlib import blake2b
from uuid import UUID

from apps.corpus.records import SolutionRecord

_UNIT = "\x1f"  # ASCII's unit separator: no text of a row is likely to hold it.


def digest(*parts: str) -> UUID:
    return UUID(bytes=blake2b(_UNIT.join(parts).encode(), digest_size=16).digest())


# The digest of empty solutions, from which rounds start that have only the problem.
EMPTY_SOLUTION = digest("blank")


def problem_digest(statement: str) -> UUID:
    """White space around the statement is ignored."""
    return digest(statement.strip())


def solution_digest(solution: SolutionRecord) -> UUID:
    """Of the record's `identity` where it has one, otherwise of its source and its steps."""
    if solution.identity is not None:
        return digest("identity", solution.identity)
    texts = [f"{step.position}{_UNIT}{step.candidate}{_UNIT}{step.text}" for step in solution.steps]
    return digest("content", solution.source or "", *texts)
