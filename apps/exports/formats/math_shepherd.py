"""Math-Shepherd's text (Wang et al. 2024): `input` with a tag after each step, `label` with + or - in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa

from apps.corpus.labels import GREAT
from apps.corpus.records import Record
from apps.exports.formats.base import Reader, Row, SolutionFormat, check_two_classes, training_examples
from apps.exports.labels.steps import TrainingExample
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

_FIRST_STEP = re.compile(r"step 1:", re.IGNORECASE)
_NUMBERED = re.compile(r"step (\d+):", re.IGNORECASE)


class MathShepherd(SolutionFormat):
    name = "math-shepherd"
    title = "Math-Shepherd"
    about = "One text with a tag after each step, for Math-Shepherd's scripts."
    readers: tuple[Reader, ...] = (Reader("Math-Shepherd", "", "its own scripts"),)
    label_names: Mapping[str, str] = {"1": "+", "-1": "-"}
    columns = pa.schema([("input", pa.string()), ("label", pa.string()), ("task", pa.string())])

    def check(self, policy: LabelPolicy) -> None:
        check_two_classes(self.name, policy)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        statement, tag = record.problem.statement, policy.step_tag

        def unfit_reason(example: TrainingExample) -> str:
            """Why a reader would not restore the same problem and steps."""
            if any(tag in text for text in (statement, *example.texts)):
                return f"the text contains the step tag {tag}"
            return "the problem contains a mark such as “Step 1:”" if _FIRST_STEP.search(statement) else ""

        for example in training_examples(record, policy, tally, unfit_reason=unfit_reason):
            steps = [_numbered(number, text) for number, text in enumerate(example.texts, 1)]
            signs = ["+" if label == GREAT else "-" for label in example.labels]
            yield {
                "input": _joined(statement, steps, [tag] * len(steps)),
                "label": _joined(statement, steps, signs),
                "task": record.problem.subject or "",
            }


def _numbered(number: int, text: str) -> str:
    """The step with a number before it. Readers find the first step by its number, which must be 1."""
    numbered = _NUMBERED.match(text)
    return text if numbered and (number > 1 or int(numbered[1]) == 1) else f"Step {number}: {text}"


def _joined(statement: str, steps: Sequence[str], marks: Sequence[str]) -> str:
    return f"{statement} " + "\n".join(f"{step} {mark}" for step, mark in zip(steps, marks, strict=True))
