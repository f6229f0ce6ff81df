"""TRL's stepwise supervision: `prompt`, `completions`, `labels` of true and false.

The file does not name who labeled them: the labels become those of a labeler called `trl-prm`.
Shares (soft labels) without counts are ignored and counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.corpus.imports.readers.base import ReaderOptions, Row, unread
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.imports.readers.marks import SOFT, labels_of, read_labels
from apps.corpus.records import ProblemRecord, Record, RowError, SolutionRecord, StepRecord

# TRL casts its labels to 1 and 0; -100 and null leave a step out of training.
_BINARY = ReaderOptions(label_scale="binary")


class TrlPrm:
    name = "trl-prm"
    title = "TRL stepwise supervision"
    about = "Solutions with a true or false for each step."

    def looks_like(self, row: Row) -> bool:
        return {"prompt", "completions", "labels"} <= row.keys()

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        steps = fields.texts("completions")
        if not steps:
            raise RowError("completions", "has no steps")
        ratings = read_labels(fields, "labels", len(steps), _BINARY)
        ignored = unread(fields, ("prompt", "completions", "labels"))
        yield Record(
            # The trainer adds no separator after the prompt, therefore files have their own.
            problem=ProblemRecord(statement=fields.text("prompt").removesuffix("\n")),
            solution=SolutionRecord(steps=[StepRecord(position=place, text=text) for place, text in enumerate(steps)]),
            people=labels_of(ratings, labeler=self.name) if ratings is not None else [],
            ignored=ignored if ratings is not None else [f"labels ({SOFT})", *ignored],
        )
