"""TRL's stepwise supervision: `prompt`, `completions`, `labels`.

Labels are booleans: TRL casts them by int(), which would make 0.75 a 0. The prompt ends in the step separator, since
PRMTrainer puts none between the prompt and the first step.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl
import pyarrow as pa

from apps.exports.formats.base import Reader
from apps.exports.formats.columnar import ExampleFormat, ExampleRows
from apps.exports.policy import LabelPolicy

SEPARATOR = "\n"

TRL_USAGE = """\
1.13.0 is the last version with the trainer; 0.26.0 and later have it in `trl.experimental.prm`. By default it cuts rows at
1,024 tokens, and the labels behind the cut are lost without a message: set `max_length=None`, or above the longest row.

```python
from datasets import load_dataset
from trl.experimental.prm import PRMConfig, PRMTrainer

dataset = load_dataset("PATH_OF_THIS_FOLDER")
trainer = PRMTrainer(
    model=model,  # AutoModelForTokenClassification with num_labels=2
    args=PRMConfig(max_length=None),
    train_dataset=dataset["train"],
    processing_class=tokenizer,
)
trainer.train()
```
"""
AXOLOTL_USAGE = """\
Rows are cut at `sequence_len`, and the labels behind the cut are lost without a message.

```yaml
model_type: AutoModelForTokenClassification
num_labels: 2
process_reward_model: true
sequence_len: 4096
datasets:
  - path: PATH_OF_THE_FILE
    ds_type: json
    type: stepwise_supervised
    step_separator: "\\n"
    split: train
```
"""


class TrlPrm(ExampleFormat):
    name = "trl-prm"
    title = "TRL stepwise supervision"
    about = "prompt, completions and a true or false for each, for TRL's PRMTrainer."
    readers: tuple[Reader, ...] = (
        Reader("TRL", "0.13 to 1.13.0", "PRMTrainer", TRL_USAGE),
        Reader("axolotl", "0.19.0", "stepwise_supervised", AXOLOTL_USAGE),
    )
    label_names: Mapping[str, str] = {"1": "true", "-1": "false"}
    masks = True
    has_values = True
    columns = pa.schema(
        [("prompt", pa.string()), ("completions", pa.list_(pa.string())), ("labels", pa.list_(pa.bool_()))]
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        schema = super().schema(policy)
        if policy.unlabeled != "mask":
            return schema
        return schema.set(schema.get_field_index("labels"), pa.field("labels", pa.list_(pa.int64())))

    def example_frame(self, rows: ExampleRows, policy: LabelPolicy) -> pl.DataFrame:
        is_separated = pl.col("prompt").str.ends_with(SEPARATOR)
        return pl.DataFrame(
            {
                "row": rows.row,
                "prompt": rows.statements,
                "completions": rows.lists(rows.texts),
                "labels": rows.lists(rows.numeric_labels() if policy.unlabeled == "mask" else rows.is_good),
            }
        ).with_columns(prompt=pl.when(is_separated).then("prompt").otherwise(pl.col("prompt") + SEPARATOR))
