"""Pairs for direct preference optimization: a prompt, a chosen and a rejected answer, as texts or as messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.corpus.records import Record
from apps.exports.formats.base import Reader, Row
from apps.exports.formats.pair_format import LLAMA_FACTORY, MS_SWIFT, PairFormat, provenance_of
from apps.exports.labels.pairs.problem import problem_pairs
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


class Dpo(PairFormat):
    name = "dpo"
    title = "Pairs for DPO"
    about = "A better and a worse answer, by people's preferences, final answers or step labels."
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "DPOTrainer",
            "`prompts: standard` or `conversational`, as it is. Set `DPOConfig(max_length=None)`: with the default of 1,024 "
            "tokens, rows whose prompt fills it are dropped and longer answers are cut, without a word. For KTO take `orm`, "
            "not this file: `KTOTrainer` would read all chosen answers before all rejected ones. Run.",
        ),
        Reader(
            "OpenRLHF",
            "0.11.2",
            "train_dpo",
            "`--data.prompt_key prompt --data.chosen_key chosen --data.rejected_key rejected`, and with `prompts: "
            "conversational` also `--data.apply_chat_template`; before 0.11 the same flags without `data.`. Without the first "
            "flag it trains without the prompt, without a word. Its data code was run.",
        ),
        Reader("LLaMA-Factory", "0.9.5", "dpo", f"{LLAMA_FACTORY} Run."),
        Reader("ms-swift", "4.6.0", "rlhf --rlhf_type dpo", f"{MS_SWIFT} Run."),
    )

    def problem_rows(self, records: Sequence[Record], policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        for pair in problem_pairs(records, policy, tally):
            yield {**pair.columns, **provenance_of(pair, policy)}
