"""Process rewards as Qwen2.5-Math-PRM reads them: a chat whose answer has `<extra_0>` after each step, and a label per step.

The labels are called `step_labels`: trainers of chat models take a column `labels` for labels of tokens.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from apps.corpus.labels import GREAT
from apps.corpus.records import Record
from apps.exports.formats.base import Reader, Row, SolutionFormat, check_two_classes, training_examples
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.labels.steps import TrainingExample
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

SEPARATOR = "<extra_0>"


class QwenPrm(SolutionFormat):
    name = "qwen-prm"
    title = "Qwen process rewards"
    about = "A chat with <extra_0> after each step and a 1 or 0 for each, for token classification as Qwen2.5-Math-PRM."
    readers: tuple[Reader, ...] = ()
    label_names: Mapping[str, str] = {"1": "1", "-1": "0"}
    columns = pa.schema([("messages", MESSAGES), ("step_labels", pa.list_(pa.int64()))])

    def check(self, policy: LabelPolicy) -> None:
        check_two_classes(self.name, policy)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        statement = record.problem.statement

        def unfit_reason(example: TrainingExample) -> str:
            holds_it = SEPARATOR in "\n".join((statement, *example.texts))
            return f"the text contains the step tag {SEPARATOR}" if holds_it else ""

        for example in training_examples(record, policy, tally, unfit_reason=unfit_reason):
            answer = "".join(f"{text}{SEPARATOR}" for text in example.texts)
            messages = [{"role": "user", "content": statement}, {"role": "assistant", "content": answer}]
            yield {"messages": messages, "step_labels": [int(label == GREAT) for label in example.labels]}
