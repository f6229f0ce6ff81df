"""Process rewards as Qwen2.5-Math-PRM reads them: a chat whose answer has `<extra_0>` after each step, and a label per step.

The labels are called `step_labels`: trainers of chat models take a column `labels` for labels of tokens.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from apps.exports.formats.base import Reader, check_two_classes
from apps.exports.formats.columnar import ExampleFormat, ExampleRows
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.policy import LabelPolicy

SEPARATOR = "<extra_0>"


class QwenPrm(ExampleFormat):
    name = "qwen-prm"
    title = "Qwen process rewards"
    about = "A chat with <extra_0> after each step and a 1 or 0 for each, for token classification as Qwen2.5-Math-PRM."
    readers: tuple[Reader, ...] = ()
    label_names: Mapping[str, str] = {"1": "1", "-1": "0"}
    columns = pa.schema([("messages", MESSAGES), ("step_labels", pa.list_(pa.int64()))])

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return self.columns

    def check(self, policy: LabelPolicy) -> None:
        check_two_classes(self.name, policy)

    def tag(self, policy: LabelPolicy) -> str:
        return SEPARATOR

    def example_frame(self, rows: ExampleRows, policy: LabelPolicy) -> pl.DataFrame:
        answers = rows.lists(rows.texts + SEPARATOR).list.join("")
        return pl.DataFrame(
            {
                "row": rows.row,
                "question": rows.statements,
                "answer": answers,
                "step_labels": rows.lists(rows.is_good.cast(pl.Int64)),
            }
        ).select(
            "row",
            pl.concat_list(
                pl.struct(role=pl.lit("user"), content="question"),
                pl.struct(role=pl.lit("assistant"), content="answer"),
            ).alias("messages"),
            "step_labels",
        )
