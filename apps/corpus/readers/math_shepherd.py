"""Math-Shepherd (Wang et al. 2024, arXiv 2312.08935): `input` with a tag after each step, `label` with + or - there.

The problem and its steps are one text; the steps begin at the first `Step 1:`. Some rows of the
published file have a stray tag inside the question, or write `step 1:`; both are read. The labels
are hard estimates without counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.corpus.readers.base import ReaderOptions, Row
from apps.corpus.readers.fields import Fields
from apps.corpus.records import EstimateRecord, ProblemRecord, Record, RowError, SolutionRecord, StepCount, StepRecord
from apps.verifiers.extraction import extract_answer

TAG = "\u043a\u0438"
_ONE = "\ue000"  # A private-use character: the tag as one, so that input and label have one length.
_FIRST_STEP = re.compile(r"step 1:", re.IGNORECASE)


class MathShepherd:
    name = "math-shepherd"
    title = "Math-Shepherd"
    about = "Solutions with Monte Carlo hard labels."

    def looks_like(self, row: Row) -> bool:
        return isinstance(row.get("label"), str) and TAG in str(row.get("input", ""))

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        marked, labels = fields.text("input").replace(TAG, _ONE), fields.text("label")
        if len(marked) != len(labels):
            raise RowError("label", f"is not `input` with a + or - for each {TAG}: their lengths differ")
        start = _start_of_steps(marked)
        steps: list[StepRecord] = []
        counts: list[StepCount] = []
        for text, sign in _tagged(marked, labels, start):
            counts.append(StepCount(position=len(steps), hard=sign == "+"))
            steps.append(StepRecord(position=len(steps), text=text))
        if not steps:
            raise RowError("input", f"has no step that ends in {TAG}")
        yield Record(
            problem=ProblemRecord(
                statement=marked[:start].replace(_ONE, "").strip(), subject=fields.maybe_text("task")
            ),
            solution=SolutionRecord(steps=steps, final_answer=extract_answer(steps[-1].text)),
            estimates=[EstimateRecord(completer="Math-Shepherd", steps=counts)],
            ignored=fields.unknown("input", "label", "task"),
        )


def _start_of_steps(marked: str) -> int:
    found = _FIRST_STEP.search(marked)
    if found and marked[: found.start()].strip():
        return found.start()
    question = marked.find("?") + 1
    if not question:
        raise RowError("input", "has neither a problem before `Step 1:` nor a question mark to part them")
    return question


def _tagged(marked: str, labels: str, start: int) -> Iterator[tuple[str, str]]:
    """The text and the sign of each step; what stands behind the last tag has to be blank."""
    while (tag := marked.find(_ONE, start)) >= 0:
        sign = labels[tag]
        if sign not in "+-":
            raise RowError("label", f"expected + or - at character {tag}, found {sign!r}")
        text = marked[start:tag].strip()
        if not text:
            raise RowError("input", f"a step before character {tag} is blank")
        yield text, sign
        start = tag + 1
    if marked[start:].strip():
        raise RowError("input", f"the text after the last {TAG} has no label")
