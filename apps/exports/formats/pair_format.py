"""What formats of pairs have in common: their columns, and the policies that they can express."""

from __future__ import annotations

import pyarrow as pa

from apps.exports.formats.base import BaseFormat
from apps.exports.policy import LOWEST_SHARE, LabelPolicy, PolicyError

MESSAGES = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_MESSAGE = pa.struct([("from", pa.string()), ("value", pa.string())])

_COLUMNS: dict[str, dict[str, pa.DataType]] = {
    "standard": dict.fromkeys(("prompt", "chosen", "rejected"), pa.string()),
    "conversational": dict.fromkeys(("prompt", "chosen", "rejected"), MESSAGES),
    "llama_factory": {"conversations": pa.list_(_MESSAGE), "chosen": _MESSAGE, "rejected": _MESSAGE},
    "ms_swift": dict.fromkeys(("messages", "rejected_messages"), MESSAGES),
}


def pair_columns(policy: LabelPolicy) -> pa.Schema:
    return pa.schema(list(_COLUMNS[policy.prompts].items()))


LLAMA_FACTORY = (
    "With `prompts: llama_factory`, `dataset_info.json` has "
    '`{"mine": {"file_name": "FILE", "ranking": true, "formatting": "sharegpt", "columns": {"messages": "conversations", '
    '"chosen": "chosen", "rejected": "rejected"}}}`; with `standard`, '
    '`{"mine": {"file_name": "FILE", "ranking": true, "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": '
    '"rejected"}}}`. It finds no valid row in `conversational` ones. `cutoff_len` cuts the end of prompts too.'
)
MS_SWIFT = (
    "With `prompts: ms_swift`, `--dataset FILE` as it is; with `standard`, "
    '`--columns \'{"chosen": "response", "rejected": "rejected_response"}\'`. With `conversational` rows it would train '
    "without the prompt, without a word."
)


class PairFormat(BaseFormat):
    of: tuple[str, ...] = ("solution", "comparison")
    by_problem = True
    name: str

    def kinds(self, policy: LabelPolicy) -> tuple[str, ...]:
        needed = {"comparison" if source == "preferences" else "solution" for source in policy.pairs}
        return tuple(kind for kind in self.of if kind in needed)

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return pair_columns(policy)

    def check(self, policy: LabelPolicy) -> None:
        has_preferences = "preferences" in policy.pairs
        if has_preferences and "human" not in policy.sources:
            raise PolicyError("sources", f"must name human: {self.name} is made of people's preferences")
        if policy.minimum_share > LOWEST_SHARE and not (has_preferences and policy.people == "majority"):
            raise PolicyError("minimum_share", "must be 0.5 unless pairs names preferences and people is majority")
        if "answers" in policy.pairs and policy.answers != "all":
            raise PolicyError("answers", "must be all where pairs names answers: a right answer needs a wrong one")
        if "labels" in policy.pairs and policy.pair_score != "verifier_score":
            self._check_labels(policy)

    @staticmethod
    def _check_labels(policy: LabelPolicy) -> None:
        if policy.people == "each":
            raise PolicyError("people", "must be majority or first where pairs names labels: a solution has one score")
        if policy.neutral == "own_class":
            raise PolicyError("neutral", "must be positive, negative or drop where pairs names labels")
