"""Pairs for direct preference optimization: a prompt, a chosen and a rejected answer, as texts or as messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from apps.corpus.records import Record
from apps.exports.formats.base import Reader, Row
from apps.exports.formats.pair_format import MESSAGES, PairFormat
from apps.exports.labels.problem_pairs import problem_pairs
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally

__all__ = ["MESSAGES", "Dpo"]


class Dpo(PairFormat):
    name = "dpo"
    title = "Pairs for DPO"
    about = "A better and a worse answer, by people's preferences, final answers or step labels."
    readers: tuple[Reader, ...] = (
        Reader("TRL", "0.13 to 1.16.0", "DPOTrainer"),
        Reader("OpenRLHF", "0.5 to 0.11.2", "train_dpo"),
        Reader("LLaMA-Factory", "0.9.5", "dpo"),
        Reader("ms-swift", "4.6.0", "rlhf"),
    )

    def problem_rows(self, records: Sequence[Record], policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        for pair in problem_pairs(records, policy, tally):
            yield dict(pair.columns)
