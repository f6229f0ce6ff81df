"""Process rewards as Qwen2.5-Math-PRM reads them: a chat whose answer has `<extra_0>` after each step, and a label per step.

The labels are called `step_labels`: trainers of chat models take a column `labels` for labels of tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from apps.exports.formats.base import Reader
from apps.exports.formats.columnar import ExampleFormat, ExampleRows
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.policy import LabelPolicy

SEPARATOR = "<extra_0>"


class QwenPrm(ExampleFormat):
    name = "qwen-prm"
    title = "Qwen process rewards"
    about = "A chat with <extra_0> after each step and a 1 or 0 for each, for token classification as Qwen2.5-Math-PRM."
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.13.0",
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

Run: each label is on its `<extra_0>`.""",
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
    masks = True
    has_values = True
    columns = pa.schema([("messages", MESSAGES), ("step_labels", pa.list_(pa.int64()))])

    def tag(self, policy: LabelPolicy) -> str:
        return SEPARATOR

    def example_frame(self, rows: ExampleRows, policy: LabelPolicy) -> pl.DataFrame:
        answers = rows.lists(rows.texts + SEPARATOR).list.join("")
        return pl.DataFrame(
            {
                "row": rows.row,
                "question": rows.statements,
                "answer": answers,
                "step_labels": rows.lists(rows.numeric_labels()),
            }
        ).select(
            "row",
            pl.concat_list(
                pl.struct(role=pl.lit("user"), content="question"),
                pl.struct(role=pl.lit("assistant"), content="answer"),
            ).alias("messages"),
            "step_labels",
        )
