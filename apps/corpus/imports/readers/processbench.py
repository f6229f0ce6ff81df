"""ProcessBench (Zheng et al. 2024, arXiv 2412.06559): `label` is the earliest wrong paragraph from 0, or -1.

Three experts agreed on it, so it becomes gold: good before it, bad at it, nothing after it.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.corpus.imports.readers.base import ReaderOptions, Row
from apps.corpus.imports.readers.fields import Fields
from apps.corpus.imports.readers.marks import gold_up_to
from apps.corpus.labels import NO_ERROR
from apps.corpus.records import ProblemRecord, Record, SolutionRecord, StepRecord


class ProcessBench:
    name = "processbench"
    title = "ProcessBench"
    about = "Solutions with a gold first error."

    def looks_like(self, row: Row) -> bool:
        return {"problem", "steps", "label"} <= row.keys()

    def read(self, row: Row, options: ReaderOptions) -> Iterator[Record]:
        fields = Fields(row)
        steps = fields.texts("steps")
        label = fields.maybe_int("label", least=NO_ERROR, most=len(steps) - 1)
        if label is None or not steps:
            raise fields.wrong("label" if label is None else "steps", "a first error and at least one step")
        yield Record(
            problem=ProblemRecord(statement=fields.text("problem")),
            solution=SolutionRecord(
                steps=[StepRecord(position=place, text=text) for place, text in enumerate(steps)],
                external_id=fields.maybe_text("id"),
                source=fields.maybe_text("generator"),
                is_correct=fields.maybe_bool("final_answer_correct"),
                separator="\n\n",
            ),
            gold=gold_up_to(label, len(steps)),
            ignored=fields.unknown("id", "generator", "problem", "steps", "final_answer_correct", "label"),
        )
