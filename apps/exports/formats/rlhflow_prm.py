"""Process rewards as a chat: the problem and the first step, "+" or "-", the next step, and so on.

Any trainer of chat models reads it. The model learns to answer each step with a sign, whose probability is the reward.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from apps.corpus.labels import GREAT
from apps.corpus.records import Record
from apps.exports.formats.base import Reader, Row, SolutionFormat, check_two_classes, training_examples
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


class RlhflowPrm(SolutionFormat):
    name = "rlhflow-prm"
    title = "Process rewards as a chat"
    about = "Each step is a message of the user, and the answer to it is + or -; for trainers of chat models."
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "SFTTrainer",
            "`SFTConfig(assistant_only_loss=True, max_length=None)`, with a chat template that has `{% generation %}` marks: "
            "otherwise the model learns to write the steps as well.",
        ),
        Reader(
            "LLaMA-Factory",
            "0.9.5",
            "sft",
            '`dataset_info.json`: `{"mine": {"file_name": "FILE", "formatting": "sharegpt", "columns": {"messages": '
            '"messages"}, "tags": {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": '
            '"assistant"}}}`.',
        ),
        Reader(
            "axolotl",
            "0.19.0",
            "chat_template",
            "`type: chat_template`, `roles_to_train: [assistant]` and `train_on_eos: none`, so that only + and - are learned. "
            "Its data code was run, not the trainer.",
        ),
        Reader("ms-swift", "4.6.0", "sft", "`--dataset FILE`, as it is. Its data code was run, not the trainer."),
    )
    label_names: Mapping[str, str] = {"1": "+", "-1": "-"}
    columns = pa.schema([("messages", MESSAGES)])

    def check(self, policy: LabelPolicy) -> None:
        check_two_classes(self.name, policy)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        for example in training_examples(record, policy, tally):
            first, *rest = example.texts
            messages = []
            for text, label in zip((f"{record.problem.statement} {first}", *rest), example.labels, strict=True):
                messages.append({"role": "user", "content": text})
                messages.append({"role": "assistant", "content": "+" if label == GREAT else "-"})
            yield {"messages": messages}
