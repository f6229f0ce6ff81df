"""Math-Shepherd (Wang et al. 2024, arXiv 2312.08935): `input` with a tag after each step, `label` with + or - there.

OpenRLHF's rows have a list of labels in place of the text; a list of shares without counts is ignored and counted. The
problem and its steps are one text; the steps begin at the first `Step 1:`. Some rows of the published file have a stray
tag inside the question, or write `step 1:`; both are read. The labels are hard estimates without counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.imports.readers.marks import SOFT, read_labels
from apps.corpus.records import EstimateRecord, ProblemRecord, Record, RowError, SolutionRecord, StepCount, StepRecord

TAG = "\u043a\u0438"
_TAG_CHARACTER = "\ue000"  # A private-use character in place of the tag, so that input and label have the same length.
# Between Cyrillic letters the tag is part of a word, and ends no step.
_TAG = re.compile(rf"(?<![\u0400-\u04ff]){TAG}(?![\u0400-\u04ff])")
_BINARY = ReaderOptions(label_scale="binary")
_FIRST_STEP = re.compile(r"step 1:", re.IGNORECASE)


class MathShepherd:
    name = "math-shepherd"
    title = "Math-Shepherd"
    about = "Solutions with Monte Carlo hard labels."

    def looks_like(self, row: Row) -> bool:
        return isinstance(row.get("label"), str | list) and TAG in str(row.get("input", ""))

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        marked = _TAG.sub(_TAG_CHARACTER, fields.text("input"))
        first_step = _FIRST_STEP.search(marked)
        start = first_step.start() if first_step and marked[: first_step.start()].strip() else marked.find("?") + 1
        if not start:
            raise RowError("input", "has neither a problem before `Step 1:` nor a question mark at its end")
        texts = _tagged(marked, start)
        if not texts:
            raise RowError("input", f"has no step that ends in {TAG}")
        if isinstance(row.get("label"), list):
            ratings = read_labels(fields, "label", len(texts), _BINARY)
        else:
            ratings = signs_of_label(marked, fields.text("label"), start)
        counts = [
            StepCount(position=place, hard=rating == 1)
            for place, rating in enumerate(ratings or ())
            if rating is not None
        ]
        yield Record(
            problem=ProblemRecord(
                statement=marked[:start].replace(_TAG_CHARACTER, "").strip(), subject=fields.maybe_text("task")
            ),
            solution=SolutionRecord(
                steps=[StepRecord(position=place, text=text) for place, text in enumerate(texts)],
            ),
            estimates=[EstimateRecord(completer="Math-Shepherd", steps=counts)] if counts else [],
            ignored=[*([f"label ({SOFT})"] if ratings is None else []), *fields.unknown("input", "label", "task")],
        )


def _tagged(marked: str, start: int) -> list[str]:
    """The text of each step. Raises RowError for text after the last tag."""
    *steps, rest = marked[start:].split(_TAG_CHARACTER)
    if rest.strip():
        raise RowError("input", f"the text after the last {TAG} has no label")
    for place, text in enumerate(steps):
        if not text.strip():
            raise RowError("input", f"step {place + 1} is blank")
    return [text.strip() for text in steps]


def signs_of_label(marked: str, labels: str, start: int) -> list[int | None]:
    """1 or -1 for the + or - in place of each tag in the label's text."""
    if len(marked) != len(labels):
        raise RowError("label", f"is not `input` with a + or - for each {TAG}: their lengths differ")
    ratings: list[int | None] = []
    for tag in (place for place, sign in enumerate(marked) if sign == _TAG_CHARACTER and place >= start):
        if labels[tag] not in "+-":
            raise RowError("label", f"expected + or - at character {tag}, found {labels[tag]!r}")
        ratings.append(1 if labels[tag] == "+" else -1)
    return ratings
