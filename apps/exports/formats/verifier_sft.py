r"""Critiques for supervised training of generative verifiers: a solution in, a critique and the verdict `\boxed{k}` out.

k is the first wrong step, counted from 0; -1 if no step is wrong. Only critiques whose verdict equals the label are
written, as ThinkPRM (arXiv 2504.16828) does with those of a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import Reader, Row, check_plain_prompts
from apps.exports.formats.first_error import (
    CritiqueFormat,
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


LLAMA_FACTORY = (
    'Run on both forms, with an entry in `dataset_info.json`. Standard: `{"mine": {"file_name": "FILE", "columns": '
    '{"prompt": "prompt", "response": "completion"}}}`. Conversational: `{"mine": {"file_name": "FILE", "formatting": '
    '"sharegpt", "columns": {"messages": "messages"}, "tags": {"role_tag": "role", "content_tag": "content", "user_tag": '
    '"user", "assistant_tag": "assistant", "system_tag": "system"}}}`. It cuts rows at `cutoff_len`.'
)


# By critic, the kinds of critiques that are theirs, and the sources of labels that may be the same judge or run.
SAME_CRITICS = {
    "judges": (("replies", "judges"), ("judge", "monte_carlo_and_judge", "cascade")),
    "rollouts": (("rollouts",), ("monte_carlo_hard", "monte_carlo_soft", "cascade")),
}


def circular(tally: Tally) -> Iterator[str]:
    """Sentences for the card where critiques may have been compared with labels by the same critic."""
    for critic, (kinds, sources) in SAME_CRITICS.items():
        has_critiques = any(tally.sources[f"critiques of {kind}"] for kind in kinds)
        if has_critiques and any(tally.sources[source] for source in sources):
            yield (
                f"Some labels are those of {critic}, as are some critiques: where they are of the same run, that their "
                "verdicts agree proves nothing."
            )


class VerifierSft(CritiqueFormat):
    name = "verifier-sft"
    title = "Critiques"
    about = "A solution, a critique of each step and the first wrong step, for training verifiers that write."
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "SFTTrainer",
            "Run on both forms, with `max_length=None`: otherwise it keeps 1,024 tokens of a row without a word, and the "
            "verdict, at the end, is lost; rows whose prompt is as long are removed. With `prompts: conversational` set "
            "`assistant_only_loss=True` and a chat template with generation marks, or the loss is on the request too.",
        ),
        Reader("LLaMA-Factory", "0.9.5", "sft", LLAMA_FACTORY),
        Reader("ms-swift", "4.6.0", "sft", "Run with `prompts: conversational`."),
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        if policy.prompts == "conversational":
            return pa.schema([("messages", MESSAGES)])
        return pa.schema([("prompt", pa.string()), ("completion", pa.string())])

    def check(self, policy: LabelPolicy) -> None:
        super().check(policy)
        check_plain_prompts(self.name, policy)

    def notices(self, policy: LabelPolicy, tally: Tally) -> Sequence[str]:
        return [*super().notices(policy, tally), *circular(tally)]

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        labeled = labeled_solution(record, policy, tally)
        critiques = critiques_of(record, policy)
        if labeled is None:
            tally.leave_out("critiques", UNLABELED, len(critiques))
            return
        agreeing, disagreeing = split_by_verdict(critiques, labeled.first_error, tally)
        tally.leave_out("critiques", OTHER_VERDICT, len(disagreeing))
        tally.leave_out("critiques", SURPLUS, len(agreeing[policy.critiques_per_solution :]))
        if not agreeing:
            tally.leave_out("solutions", "no critique that fits the label" if critiques else "no critique")
        written = agreeing[: policy.critiques_per_solution]
        count_first_error(labeled, tally, len(written))
        prompt = request(record.problem, labeled.texts)
        for critique in written:
            tally.sources[f"critiques of {critique.kind}"] += 1
            text = critique.text(len(labeled.texts))
            if policy.prompts == "conversational":
                yield {"messages": messages(prompt, text)}
            else:
                yield {"prompt": f"{prompt}\n", "completion": text}
