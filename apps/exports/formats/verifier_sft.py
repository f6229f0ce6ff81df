r"""Critiques for supervised training of generative verifiers: a solution in, a critique and the verdict `\boxed{k}` out.

k is the first wrong step, counted from 0; -1 if no step is wrong. Only critiques whose verdict equals the label are
written, as ThinkPRM (arXiv 2504.16828) does with those of a model.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import VERIFIERS, BaseFormat, Reader, Row, check_plain_prompts
from apps.exports.formats.first_error import (
    check_one_label,
    count_first_error,
    labeled_solution,
    messages,
    request,
)
from apps.exports.formats.pair_format import MESSAGES
from apps.exports.labels.critiques import critiques_of, split_by_verdict
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

UNLABELED = "of solutions without a known first error"
OTHER_VERDICT = "whose verdict differs from the label"
SURPLUS = "beyond the number that the policy takes of a solution"


class VerifierSft(BaseFormat):
    name = "verifier-sft"
    title = "Critiques"
    about = "A solution, a critique of each step and the first wrong step, for training verifiers that write."
    group = VERIFIERS
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "SFTTrainer",
            "As it is; with `prompts: conversational` set `assistant_only_loss` or the loss is on the request too. Not run.",
        ),
        Reader(
            "LLaMA-Factory",
            "0.9.5",
            "sft",
            '`dataset_info.json`, standard: `{"mine": {"file_name": "FILE", "columns": {"prompt": "prompt", '
            '"response": "completion"}}}`. Not run.',
        ),
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        if policy.prompts == "conversational":
            return pa.schema([("messages", MESSAGES)])
        return pa.schema([("prompt", pa.string()), ("completion", pa.string())])

    def check(self, policy: LabelPolicy) -> None:
        check_one_label(self.name, policy)
        check_plain_prompts(self.name, policy)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        labeled = labeled_solution(record, policy, tally)
        critiques = critiques_of(record, policy)
        if labeled is None:
            tally.leave_out("critiques", UNLABELED, len(critiques))
            return
        kept, others = split_by_verdict(critiques, labeled.first_error, tally)
        tally.leave_out("critiques", OTHER_VERDICT, len(others))
        tally.leave_out("critiques", SURPLUS, len(kept[policy.critiques_per_solution :]))
        if not kept:
            tally.leave_out("solutions", "no critique that fits the label" if critiques else "no critique")
        written = kept[: policy.critiques_per_solution]
        count_first_error(labeled, tally, len(written))
        prompt = request(record.problem, labeled.texts)
        for critique in written:
            tally.sources[f"critiques of {critique.kind}"] += 1
            text = critique.text(len(labeled.texts))
            if policy.prompts == "conversational":
                yield {"messages": messages(prompt, text)}
            else:
                yield {"prompt": f"{prompt}\n", "completion": text}
