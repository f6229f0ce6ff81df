"""GSM8K (Cobbe et al. 2021): `question`, and `answer` whose last line is `#### x`."""

from __future__ import annotations

from collections.abc import Iterator

from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.calculator import without_marks
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.records import ProblemRecord, Record, RowError


class Gsm8k:
    name = "gsm8k"
    title = "GSM8K"
    about = "Problems with a reference solution and answer."

    def looks_like(self, row: Row) -> bool:
        return "question" in row and "####" in str(row.get("answer", ""))

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        statement, answer = fields.text("question"), fields.text("answer")
        solution, mark, final = answer.rpartition("####")
        if not mark or not final.strip():
            raise RowError("answer", "does not end in a line `#### x`")
        yield Record(
            problem=ProblemRecord(
                statement=statement,
                reference_answer=final.strip(),
                reference_solution=without_marks(solution).strip() or None,
                # The original with its calculator marks.
                extras={"gsm8k": {"answer": answer}},
            ),
            ignored=fields.unknown("question", "answer"),
        )
