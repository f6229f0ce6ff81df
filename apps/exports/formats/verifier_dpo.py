"""Pairs of critiques for training verifiers by preference: a right and a wrong critique of the same solution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import Reader, Row
from apps.exports.formats.first_error import (
    CritiqueFormat,
    count_first_error,
    labeled_solution,
    request,
)
from apps.exports.formats.pair_format import pair_columns
from apps.exports.formats.verifier_sft import UNLABELED
from apps.exports.labels.critiques import SolutionCritique, critiques_of, split_by_verdict
from apps.exports.labels.pairs.order import capped, diagonal
from apps.exports.labels.prompts import answer_message, paired
from apps.exports.labels.steps import Labeled
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

ONE_SIDE = "of solutions whose critiques are all right or all wrong"

Pair = tuple[Labeled, SolutionCritique, SolutionCritique]


OPENRLHF = (
    "With `--data.prompt_key prompt`, or it leaves the prompt out; with `prompts: conversational` also "
    "`--data.apply_chat_template`. Its data set and its loss were run, without the trainer, which needs a GPU."
)


class VerifierDpo(CritiqueFormat):
    name = "verifier-dpo"
    title = "Pairs of critiques"
    about = "A right and a wrong critique of the same solution, for training verifiers by preference."
    by_problem = True
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "DPOTrainer",
            "Run on `prompts: standard` and `conversational`, with `max_length=None`: otherwise rows whose prompt fills it are "
            "removed and longer critiques lose their end, which is the verdict.",
        ),
        Reader("OpenRLHF", "0.11.2", "train_dpo", OPENRLHF),
        Reader(
            "LLaMA-Factory",
            "0.9.5",
            "dpo, rm",
            'Run with `prompts: llama_factory` and the entry `{"mine": {"file_name": "FILE", "ranking": true, "formatting": '
            '"sharegpt", "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"}}}` in '
            "`dataset_info.json`.",
        ),
        Reader("ms-swift", "4.6.0", "rlhf", "Run with `prompts: ms_swift` and `--rlhf_type dpo`, without `--columns`."),
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return pair_columns(policy)

    def problem_rows(self, records: Sequence[Record], policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        by_solution = [_pairs(record, policy, tally) for record in records]
        for labeled, right, wrong in capped(by_solution, policy, tally):
            tally.sources[f"{right.kind} against {wrong.kind}"] += 1
            count_first_error(labeled, tally)
            yield _row(labeled, right, wrong, policy)


def _pairs(record: Record, policy: LabelPolicy, tally: Tally) -> list[Pair]:
    """The pairs of one solution. Its critiques are counted: in some pair, or left out for one reason."""
    labeled = labeled_solution(record, policy, tally)
    critiques = critiques_of(record, policy)
    if labeled is None:
        tally.leave_out("critiques", UNLABELED, len(critiques))
        return []
    right, wrong = split_by_verdict(critiques, labeled.first_error, tally)
    if not right or not wrong:
        tally.leave_out("critiques", ONE_SIDE, len(right) + len(wrong))
        tally.leave_out("solutions", "no right and wrong critique" if critiques else "no critique")
    return [(labeled, chosen, rejected) for chosen, rejected in diagonal(right, wrong)]


def _row(labeled: Labeled, right: SolutionCritique, wrong: SolutionCritique, policy: LabelPolicy) -> Row:
    prompt = request(labeled.record.problem, labeled.texts)
    chosen, rejected = right.text(len(labeled.texts)), wrong.text(len(labeled.texts))
    if policy.prompts == "standard":
        return paired(f"{prompt}\n", chosen, rejected, policy)
    question = [{"role": "user", "content": prompt}]
    return paired(question, answer_message(chosen), answer_message(rejected), policy)
