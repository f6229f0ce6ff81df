"""Hendrycks MATH and MATH-500: `problem`, `solution`, `subject` or `type`, `level`, with the last `\\boxed{}` as answer."""

from __future__ import annotations

from collections.abc import Iterator

from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.records import ProblemRecord, Record, RowError
from apps.verifiers.extraction.final_answer import extract_answer


class Math:
    name = "math"
    title = "MATH"
    about = "Problems with a reference solution; the answer is in its last box."

    def looks_like(self, row: Row) -> bool:
        return "problem" in row and "solution" in row and not isinstance(row["problem"], dict)

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        solution = fields.text("solution")
        answer = fields.maybe_text("answer") or extract_answer(solution)
        if not answer:
            raise RowError("solution", "has no \\boxed{} answer, and there is no `answer`")
        level = fields.maybe_text("level")
        yield Record(
            problem=ProblemRecord(
                statement=fields.text("problem"),
                external_id=fields.maybe_text("unique_id"),
                reference_answer=answer,
                reference_solution=solution,
                subject=fields.maybe_text("subject") or fields.maybe_text("type"),
                level=level.removeprefix("Level ").strip() if level else None,
            ),
            ignored=fields.unknown("problem", "solution", "answer", "level", "subject", "type", "unique_id"),
        )
