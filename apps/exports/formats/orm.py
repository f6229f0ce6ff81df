"""Whole answers that are right or wrong: `prompt`, `completion`, `label`, for outcome reward models and KTO.

The label is a boolean: trainers silently treat other numbers as desirable. Right and wrong alternate, since KTOTrainer
reads in order and learns nothing from batches of one class.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import BaseFormat, Reader, Row, check_plain_prompts
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.labels.prompts import TextError, full_text, prompt_and_answer
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


class Orm(BaseFormat):
    name = "orm"
    title = "Right and wrong answers"
    about = "A prompt, a whole answer and whether it is right, for outcome reward models and TRL's KTOTrainer."
    readers: tuple[Reader, ...] = (
        Reader("TRL", "0.13 and later", "KTOTrainer"),
        Reader("LLaMA-Factory", "0.9 and later", "kto"),
    )
    mixed_column = "label"
    label_names: Mapping[str, str] = {"right": "true", "wrong": "false"}

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        kind = MESSAGES if policy.prompts == "conversational" else pa.string()
        return pa.schema([("prompt", kind), ("completion", kind), ("label", pa.bool_())])

    def check(self, policy: LabelPolicy) -> None:
        check_plain_prompts(self.name, policy)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        solution = record.solution
        if solution is None:
            return
        text = full_text(solution)
        if solution.is_correct is None:
            tally.leave_out("solutions", "it is unknown whether the answer is right")
            return
        if not text.strip():
            tally.leave_out("solutions", "an empty completion")
            return
        try:
            prompt, completion = prompt_and_answer(record.problem, text, policy)
        except TextError as error:
            tally.leave_out("solutions", str(error))
            return
        tally.sources["final answer"] += 1
        tally.labels["right" if solution.is_correct else "wrong"] += 1
        yield {"prompt": prompt, "completion": completion, "label": solution.is_correct}
