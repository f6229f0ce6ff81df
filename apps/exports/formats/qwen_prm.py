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
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "0.26.0 to 1.13.0",
            "PRMTrainer with step_separator",
            """Add `<extra_0>` to the tokenizer where it is not a token already, and turn the rows into TRL's:

```python
def steps(row):
    *prompt, answer = row["messages"]
    return {
        "prompt": tokenizer.apply_chat_template(prompt, tokenize=False, add_generation_prompt=True),
        "completions": answer["content"].split("<extra_0>")[:-1],
        "labels": row["step_labels"],
    }


rows = rows.map(steps, remove_columns=rows.column_names)
trainer = PRMTrainer(args=PRMConfig(step_separator="<extra_0>", max_length=None), train_dataset=rows, ...)
```

Run with 1.13.0: each label is on its `<extra_0>`.""",
        ),
        Reader(
            "transformers",
            "",
            "token classification, as Qwen2.5-Math-PRM scores",
            "Render `messages` by the chat template and put `step_labels` on the tokens `<extra_0>` in order, -100 elsewhere. "
            "Qwen's templates add a system message of their own where the row has none: put the one in front that you use "
            "later.",
        ),
    )
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
