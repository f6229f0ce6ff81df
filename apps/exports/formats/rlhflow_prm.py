"""Process rewards as a chat: the problem and the first step, "+" or "-", the next step, and so on.

Any trainer of chat models reads it. The model learns to answer each step with a sign, whose probability is the reward.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
import pyarrow as pa

from apps.exports.formats.base import Reader
from apps.exports.formats.columnar import ExampleFormat, ExampleRows
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.labels.columns.examples import Examples
from apps.exports.policy import LabelPolicy


class RlhflowPrm(ExampleFormat):
    name = "rlhflow-prm"
    title = "Process rewards as a chat"
    about = "Each step is a message of the user, and the answer to it is + or -; for trainers of chat models."
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "SFTTrainer",
            "`SFTConfig(assistant_only_loss=True, max_length=None)`, with a chat template that has `{% generation %}` marks: "
            "otherwise the model learns to write the steps as well. Run.",
        ),
        Reader(
            "LLaMA-Factory",
            "0.9.5",
            "sft",
            '`dataset_info.json`: `{"mine": {"file_name": "FILE", "formatting": "sharegpt", "columns": {"messages": '
            '"messages"}, "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": '
            '"assistant"}}}`. Run.',
        ),
        Reader(
            "axolotl",
            "0.19.0",
            "chat_template",
            "`type: chat_template`, `roles_to_train: [assistant]` and `train_on_eos: none`, so that only + and - are learned. "
            "Its data code was run, not the trainer.",
        ),
        Reader("ms-swift", "4.6.0", "sft", "`--dataset FILE`, as it is. Run."),
    )
    label_names: Mapping[str, str] = {"1": "+", "-1": "-"}
    columns = pa.schema([("messages", MESSAGES)])

    def example_frame(self, rows: ExampleRows, policy: LabelPolicy) -> pl.DataFrame:
        """A step and its sign are two messages, one after the other."""
        examples = rows.examples
        statements = rows.statements.gather(examples.steps["example"])
        is_first = pl.lit(pl.Series(rows.numbers() == 1))
        texts = pl.select(
            pl.when(is_first)
            .then(pl.lit(statements) + " " + pl.lit(rows.texts))
            .otherwise(pl.lit(rows.texts))
            .alias("content")
        )["content"]
        count = len(texts)
        order = pl.Series(np.arange(2 * count).reshape(2, count).T.reshape(-1))
        roles = pl.Series("role", ["user", "assistant"] * count, dtype=pl.String)
        contents = pl.concat([texts, rows.signs().alias("content")]).gather(order)
        messages = pl.DataFrame({"role": roles, "content": contents}).to_struct("messages")
        doubled = Examples(examples.table, examples.steps, 2 * examples.starts)
        return pl.DataFrame({"row": rows.row, "messages": doubled.lists(messages)})
