"""TRL's stepwise supervision: `prompt`, `completions`, `labels` of true and false.

Who labeled them the file does not say; they land as the labels of a labeler called `trl-prm`.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.corpus.readers.base import ReaderOptions, Row
from apps.corpus.readers.fields import Fields
from apps.corpus.records import PersonRecord, ProblemRecord, Record, RowError, SolutionRecord, StepRating, StepRecord
from apps.corpus.streams import named


class TrlPrm:
    name = "trl-prm"
    title = "TRL stepwise supervision"
    about = "Solutions with a true or false for each step."

    def looks_like(self, row: Row) -> bool:
        return {"prompt", "completions", "labels"} <= row.keys()

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        steps, labels = fields.texts("completions"), fields.listed("labels")
        if not steps:
            raise RowError("completions", "has no steps")
        if len(steps) != len(labels):
            raise RowError("labels", f"there are {len(labels)} labels for {len(steps)} steps")
        for index, label in enumerate(labels):
            if not isinstance(label, bool) and label not in (0, 1):
                raise RowError(f"labels[{index}]", f"expected true or false, found {named(label)}")
        good = [bool(label) for label in labels]
        yield Record(
            # The trainer sets no separator after the prompt, so that files bring their own.
            problem=ProblemRecord(statement=fields.text("prompt").removesuffix("\n")),
            solution=SolutionRecord(steps=[StepRecord(position=place, text=text) for place, text in enumerate(steps)]),
            people=[
                PersonRecord(
                    labeler="trl-prm",
                    protocol="every_step",
                    finish_reason="solution" if all(good) else "found_error",
                    steps=[
                        StepRating(position=place, rating=1 if right else -1, chosen=True)
                        for place, right in enumerate(good)
                    ],
                )
            ],
            ignored=fields.unknown("prompt", "completions", "labels"),
        )
