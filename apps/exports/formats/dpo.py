"""Pairs for direct preference optimization: `prompt`, `chosen`, `rejected`, as texts or as messages."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import BaseFormat, Reader, Row
from apps.exports.labels.preferences import preferred_pairs
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))


class Dpo(BaseFormat):
    name = "dpo"
    title = "Pairs for DPO"
    about = "People's preferences, for TRL's DPOTrainer, OpenRLHF and LLaMA-Factory."
    readers: tuple[Reader, ...] = (
        Reader("TRL", "0.13 and later", "DPOTrainer"),
        Reader("OpenRLHF", "0.5 and later", "train_dpo"),
        Reader("LLaMA-Factory", "0.9 and later", "dpo, standard prompts only"),
    )
    of: tuple[str, ...] = ("comparison",)

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return pair_columns(policy)

    def check(self, policy: LabelPolicy) -> None:
        check_human_source(self.name, policy)

    def rows(self, record: Record, policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        for pair in preferred_pairs(record, policy, tally):
            yield {"prompt": pair.prompt, "chosen": pair.chosen, "rejected": pair.rejected}


def pair_columns(policy: LabelPolicy) -> pa.Schema:
    kind = MESSAGES if policy.prompts == "conversational" else pa.string()
    return pa.schema([(name, kind) for name in ("prompt", "chosen", "rejected")])


def check_human_source(name: str, policy: LabelPolicy) -> None:
    if "human" not in policy.sources:
        raise PolicyError("sources", f"must name human: {name} is made of people's preferences")
