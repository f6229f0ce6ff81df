"""OpenRLHF's process rewards: `input` with the step tag after each step, and `label`, a list of "+" and "-".

OpenRLHF puts each label on the place of a tag and cuts surplus labels without a word, so a text that holds the tag itself
would shift them. Labels as numbers crash it.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from apps.exports.formats.base import Reader
from apps.exports.formats.columnar import ExampleFormat, ExampleRows
from apps.exports.policy import LabelPolicy


class OpenRlhfPrm(ExampleFormat):
    name = "openrlhf-prm"
    title = "OpenRLHF process rewards"
    about = "One text with a tag after each step, and a list of + and -, for OpenRLHF's train_prm."
    readers: tuple[Reader, ...] = (
        Reader(
            "OpenRLHF",
            "0.9.5",
            "train_prm",
            "`--input_key input --label_key label --placeholder_token TAG --reward_tokens + -`, where TAG is the policy's "
            "`step_tag` and one token of the tokenizer, also after a space: ки for Mistral, or a token that you add, with "
            '`"step_tag": "<extra_0>"`. Labels of steps beyond `--max_len` are cut without a word. The data code of 0.9.5 was '
            "run; 0.11.2 has no trainer of process rewards.",
        ),
    )
    label_names: Mapping[str, str] = {"1": "+", "-1": "-"}
    columns = pa.schema([("input", pa.string()), ("label", pa.list_(pa.string()))])

    def tag(self, policy: LabelPolicy) -> str:
        return policy.step_tag

    def example_frame(self, rows: ExampleRows, policy: LabelPolicy) -> pl.DataFrame:
        steps = rows.lists(rows.texts + f" {policy.step_tag}").list.join("\n")
        return pl.DataFrame(
            {"row": rows.row, "input": rows.statements + "\n" + steps, "label": rows.lists(rows.signs())}
        )
