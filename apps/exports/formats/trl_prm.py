"""TRL's stepwise supervision: `prompt`, `completions`, `labels`.

Labels are booleans: TRL casts them by int(), which would make 0.75 a 0. The prompt ends in the step separator, since
PRMTrainer puts none between the prompt and the first step.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from apps.exports.formats.base import Reader, check_two_classes
from apps.exports.formats.columnar import ExampleFormat, ExampleRows
from apps.exports.policy import LabelPolicy

SEPARATOR = "\n"


class TrlPrm(ExampleFormat):
    name = "trl-prm"
    title = "TRL stepwise supervision"
    about = "prompt, completions and a true or false for each, for TRL's PRMTrainer."
    readers: tuple[Reader, ...] = (
        Reader("TRL", "0.13 to 1.13.0", "PRMTrainer"),
        Reader("axolotl", "0.19.0", "stepwise_supervised"),
    )
    label_names: Mapping[str, str] = {"1": "true", "-1": "false"}
    columns = pa.schema(
        [("prompt", pa.string()), ("completions", pa.list_(pa.string())), ("labels", pa.list_(pa.bool_()))]
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return self.columns

    def check(self, policy: LabelPolicy) -> None:
        check_two_classes(self.name, policy)

    def example_frame(self, rows: ExampleRows, policy: LabelPolicy) -> pl.DataFrame:
        is_separated = pl.col("prompt").str.ends_with(SEPARATOR)
        return pl.DataFrame(
            {
                "row": rows.row,
                "prompt": rows.statements,
                "completions": rows.lists(rows.texts),
                "labels": rows.lists(rows.is_good),
            }
        ).with_columns(prompt=pl.when(is_separated).then("prompt").otherwise(pl.col("prompt") + SEPARATOR))
