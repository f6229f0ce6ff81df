"""Whole answers that are right or wrong: `prompt`, `completion`, `label`, for outcome reward models and KTO.

The label is a boolean: trainers silently treat other numbers as desirable. Right and wrong alternate, since KTOTrainer
reads in order and learns nothing from batches of one class.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from apps.exports.formats.base import Reader, check_plain_prompts
from apps.exports.formats.columnar import ColumnFormat
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.labels.columns.chunk import SolutionChunk
from apps.exports.labels.columns.prompts import with_prompts
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


class Orm(ColumnFormat):
    name = "orm"
    title = "Right and wrong answers"
    about = "A prompt, a whole answer and whether it is right, for outcome reward models and TRL's KTOTrainer."
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "KTOTrainer",
            "As it is. Set `KTOConfig(max_length=None)`: with the default, rows whose prompt fills 1,024 tokens are dropped, "
            "without a word. Run on `prompts: standard`.",
        ),
        Reader(
            "LLaMA-Factory",
            "0.9.5",
            "kto",
            '`dataset_info.json`: `{"mine": {"file_name": "FILE", "columns": {"prompt": "prompt", "response": "completion", '
            '"kto_tag": "label"}}}`. Run on `prompts: standard`.',
        ),
    )
    mixed_column = "label"
    has_classes = True
    label_names: Mapping[str, str] = {"right": "true", "wrong": "false"}

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        kind = MESSAGES if policy.prompts == "conversational" else pa.string()
        return pa.schema([("prompt", kind), ("completion", kind), ("label", pa.bool_())])

    def reads_labels(self, policy: LabelPolicy) -> bool:
        return False

    def check(self, policy: LabelPolicy) -> None:
        check_plain_prompts(self.name, policy)

    def frame(self, chunk: SolutionChunk, policy: LabelPolicy, tally: Tally) -> pl.DataFrame:
        solutions = chunk.solutions.with_row_index("row").with_columns(completion=chunk.whole_texts())
        rows = with_prompts(solutions, policy)
        reason = (
            pl.when(pl.col("is_correct").is_null())
            .then(pl.lit("it is unknown whether the answer is right"))
            .when(pl.col("text").str.strip_chars() == "")
            .then(pl.lit("an empty completion"))
            .otherwise("problem_reason")
        )
        rows = rows.with_columns(reason=pl.coalesce(reason, "answer_reason"))
        for text, count in rows["reason"].drop_nulls().value_counts().iter_rows():
            tally.leave_out("solutions", text, count)
        usable = rows.filter(pl.col("reason").is_null())
        right = int(usable["is_correct"].sum())
        tally.sources["final answer"] += len(usable)
        tally.labels += Counter(right=right, wrong=len(usable) - right)
        return usable.select("row", "prompt", "completion", label="is_correct")
