"""Pairs for a reward model: a prompt, a chosen and a rejected answer, the `margin` between them, and where they are from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import pyarrow as pa

from apps.corpus.records import Record
from apps.exports.formats.base import Reader, Row
from apps.exports.formats.pair_format import (
    LLAMA_FACTORY,
    MS_SWIFT,
    PairFormat,
    pair_columns,
    provenance_fields,
    provenance_of,
)
from apps.exports.labels.pairs.problem import problem_pairs
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally

NO_MARGINS = "All margins are 0: a trainer that reads the column `margin` does with it as without it."
_VOTES = pa.struct([("chosen", pa.int64()), ("rejected", pa.int64()), ("tie", pa.int64())])


class RewardPairs(PairFormat):
    name = "reward-pairs"
    title = "Pairs for a reward model"
    about = "A better and a worse answer with the margin between them, for TRL's RewardTrainer and OpenRLHF."
    readers: tuple[Reader, ...] = (
        Reader(
            "TRL",
            "1.16.0",
            "RewardTrainer",
            "`prompts: standard` or `conversational`, as it is; the margin is part of the loss. Set "
            "`RewardConfig(max_length=None)`: with the default, rows above 1,024 tokens are removed, and only a progress bar "
            "says so. Run.",
        ),
        Reader(
            "OpenRLHF",
            "0.11.2",
            "train_rm",
            "`--data.prompt_key prompt --data.chosen_key chosen --data.rejected_key rejected`, with `prompts: conversational` "
            "also `--data.apply_chat_template`, and for the margin `--model.margin_loss_enable`; before 0.11 the same flags "
            "without `data.`, and `--margin_loss`. Without the first flag it trains without the prompt, without a word; "
            "answers above `--data.max_len` (512 tokens) are cut. Its data code was run.",
        ),
        Reader("LLaMA-Factory", "0.9.5", "rm", f"{LLAMA_FACTORY} The margin is ignored. Run."),
        Reader("ms-swift", "4.6.0", "rlhf --rlhf_type rm", f"{MS_SWIFT} The margin is used. Run."),
    )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        more = [("margin", pa.float64()), ("votes", _VOTES), ("source", pa.string())]
        provenance = [field for field in provenance_fields(policy) if field.name != "source"]
        return pa.schema([*pair_columns(policy), *(pa.field(*column) for column in more), *provenance])

    def check(self, policy: LabelPolicy) -> None:
        super().check(policy)
        if policy.margin_rule == "votes" and "preferences" not in policy.pairs:
            raise PolicyError("margin_rule", "must be choice or scores where pairs does not name preferences")
        if (
            policy.margin_rule == "scores"
            and set(policy.pairs) == {"preferences"}
            and policy.pair_score != "verifier_score"
        ):
            raise PolicyError(
                "pair_score", "must be verifier_score for the scores of preferences: sides have no labels"
            )

    def notices(self, policy: LabelPolicy, tally: Tally) -> Sequence[str]:
        no_margins = (NO_MARGINS,) if tally.labels and not tally.positive_margins else ()
        return (*super().notices(policy, tally), *no_margins)

    def problem_rows(self, records: Sequence[Record], policy: LabelPolicy, tally: Tally) -> Iterator[Row]:
        for pair in problem_pairs(records, policy, tally):
            row = {**pair.columns, "margin": pair.margin, "votes": asdict(pair.votes), "source": pair.source}
            yield row | provenance_of(pair, policy)
