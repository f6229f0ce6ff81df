"""Math-Shepherd's text (Wang et al. 2024): `input` with a tag after each step, `label` with + or - in its place."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from apps.exports.formats.base import Reader
from apps.exports.formats.columnar import ExampleFormat, ExampleRows
from apps.exports.policy import LabelPolicy

_FIRST_STEP = "(?i)step 1:"
_NUMBER = r"(?i)^step \d+:"
_NUMBER_1 = "(?i)^step 0*1:"
_MARK = "the problem contains a mark such as “Step 1:”"


class MathShepherd(ExampleFormat):
    name = "math-shepherd"
    title = "Math-Shepherd"
    about = "One text with a tag after each step, for Math-Shepherd's scripts."
    readers: tuple[Reader, ...] = (Reader("Math-Shepherd", "", "its own scripts"),)
    label_names: Mapping[str, str] = {"1": "+", "-1": "-"}
    columns = pa.schema([("input", pa.string()), ("label", pa.string()), ("task", pa.string())])

    def tag(self, policy: LabelPolicy) -> str:
        return policy.step_tag

    def unfit_reasons(self, rows: ExampleRows, policy: LabelPolicy) -> pl.Series:
        """Why a reader would not restore the same problem and steps."""
        holds_tag = super().unfit_reasons(rows, policy)
        has_mark = pl.when(rows.statements.str.contains(_FIRST_STEP)).then(pl.lit(_MARK))
        return pl.select(pl.coalesce(pl.lit(holds_tag), has_mark).alias("unfit"))["unfit"]

    def example_frame(self, rows: ExampleRows, policy: LabelPolicy) -> pl.DataFrame:
        steps = _numbered(rows)
        inputs = (steps + f" {policy.step_tag}").alias("input")
        labels = (steps + " " + rows.signs()).alias("label")
        return pl.DataFrame({"row": rows.row, "statement": rows.statements, "task": rows.subjects}).select(
            "row",
            input=pl.col("statement") + " " + pl.lit(rows.lists(inputs).list.join("\n")),
            label=pl.col("statement") + " " + pl.lit(rows.lists(labels).list.join("\n")),
            task=pl.col("task").fill_null(""),
        )


def _numbered(rows: ExampleRows) -> pl.Series:
    """The steps with a number before each. Readers find the first step by its number, which must be 1."""
    number = pl.lit(pl.Series(rows.numbers()))
    text = pl.lit(rows.texts)
    has_number = pl.when(number == 1).then(text.str.contains(_NUMBER_1)).otherwise(text.str.contains(_NUMBER))
    numbered = pl.concat_str(pl.lit("Step "), number, pl.lit(": "), text)
    return pl.select(pl.when(has_number).then(text).otherwise(numbered).alias("text"))["text"]
