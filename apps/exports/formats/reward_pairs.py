"""Pairs for a reward model: `prompt`, `chosen`, `rejected`, and Llama 2's `margin` between them."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import BaseFormat, Reader, Row
from apps.exports.formats.dpo import check_human_source, pair_columns
from apps.exports.labels.preferences import preferred_pairs
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally


class RewardPairs(BaseFormat):
    name = "reward-pairs"
    title = "Pairs for a reward model"
    about = "People's preferences with margins, for TRL's RewardTrainer and OpenRLHF."
    readers: tuple[Reader, ...] = (
        Reader("TRL", "0.13 and later", "RewardTrainer"),
        Reader("OpenRLHF", "0.5 and later", "train_rm; its margin with --model.margin_loss_enable"),
    )
    of: tuple[str, ...] = ("comparison",)

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return pair_columns(policy).append(pa.field("margin", pa.float64()))

    def check(self, policy: LabelPolicy) -> None:
        check_human_source(self.name, policy)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        for pair in preferred_pairs(record, policy, tally):
            yield {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected, "margin": pair.margin}
