"""Math-Shepherd's text (Wang et al. 2024): `input` with a tag after each step, `label` with + or - in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import OfSolutions, Row, check_two_classes, supervised
from apps.exports.policy import LabelPolicy, Tally

TAG = "\u043a\u0438"
# A text that holds the tag would be read as two steps.
BROKEN_TAG = "\u043a \u0438"
_NUMBERED = re.compile(r"step \d+:", re.IGNORECASE)


class MathShepherd(OfSolutions):
    name = "math-shepherd"
    title = "Math-Shepherd"
    about = "One text with a tag after each step, for Math-Shepherd's scripts and OpenRLHF."
    trainer = f"openrlhf<=0.9.5 (--placeholder_token {TAG})"
    columns = pa.schema([("input", pa.string()), ("label", pa.string()), ("task", pa.string())])

    def check(self, policy: LabelPolicy) -> None:
        check_two_classes(self.name, policy)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        problem = record.problem
        statement = problem.statement.replace(TAG, BROKEN_TAG)
        for _, texts, labels in supervised(record, policy, tally):
            steps = [_numbered(place, text.replace(TAG, BROKEN_TAG)) for place, text in enumerate(texts, 1)]
            signs = ["+" if label == 1 else "-" for label in labels]
            yield {
                "input": _joined(statement, steps, [TAG] * len(steps)),
                "label": _joined(statement, steps, signs),
                "task": problem.subject or "",
            }


def _numbered(place: int, text: str) -> str:
    return text if _NUMBERED.match(text) else f"Step {place}: {text}"


def _joined(statement: str, steps: Sequence[str], marks: Sequence[str]) -> str:
    return f"{statement} " + "\n".join(f"{step} {mark}" for step, mark in zip(steps, marks, strict=True))
