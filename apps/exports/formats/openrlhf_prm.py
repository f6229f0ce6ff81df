"""OpenRLHF's process rewards: `input` with the step tag after each step, and `label`, a list of "+" and "-".

OpenRLHF puts each label on the place of a tag and cuts surplus labels without a word, so a text that holds the tag itself
would shift them. Labels as numbers crash it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

from apps.corpus.labels import GREAT
from apps.corpus.records import Record
from apps.exports.formats.base import Reader, Row, SolutionFormat, check_two_classes, training_examples
from apps.exports.labels.steps import TrainingExample
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


class OpenRlhfPrm(SolutionFormat):
    name = "openrlhf-prm"
    title = "OpenRLHF process rewards"
    about = "One text with a tag after each step, and a list of + and -, for OpenRLHF's train_prm."
    readers: tuple[Reader, ...] = (
        Reader(
            "OpenRLHF",
            "0.5 to 0.9.5",
            "train_prm",
            "`--input_key input --label_key label --placeholder_token TAG --reward_tokens + -`, where TAG is the policy's "
            "`step_tag` and one token of the tokenizer, also after a space: Mistral has ки, and for Qwen export with "
            '`"step_tag": "<extra_0>"`. Labels of steps beyond `--max_len` are cut without a word. 0.10 and later have no '
            "trainer of process rewards.",
        ),
    )
    label_names: Mapping[str, str] = {"1": "+", "-1": "-"}
    columns = pa.schema([("input", pa.string()), ("label", pa.list_(pa.string()))])

    def check(self, policy: LabelPolicy) -> None:
        check_two_classes(self.name, policy)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        statement, tag = record.problem.statement, policy.step_tag

        def unfit_reason(example: TrainingExample) -> str:
            return f"the text contains the step tag {tag}" if tag in "\n".join((statement, *example.texts)) else ""

        for example in training_examples(record, policy, tally, unfit_reason=unfit_reason):
            steps = "\n".join(f"{text} {tag}" for text in example.texts)
            signs = ["+" if label == GREAT else "-" for label in example.labels]
            yield {"input": f"{statement}\n{steps}", "label": signs}
