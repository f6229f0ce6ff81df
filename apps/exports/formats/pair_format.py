"""What formats of pairs have in common: their columns, and the policies that they can express."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from apps.exports.formats.base import BaseFormat, Need, Row
from apps.exports.labels.pairs.base import JUDGE_PREFIX, PEOPLE, TextPair
from apps.exports.policy import LOWEST_SHARE, LabelPolicy, PolicyError
from apps.exports.tally import Tally

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


# Where pairs come from, in files to which judges contribute.
_PROVENANCE = (
    pa.field("source", pa.string()),
    pa.field("share", pa.float64()),
    pa.field("judge_prompt", pa.string()),
    pa.field("principles", pa.list_(pa.string())),
)


def names_judges(policy: LabelPolicy) -> bool:
    """Whether judges' preferences make pairs."""
    return "preferences" in policy.pairs and "judges" in policy.preferences


def provenance_fields(policy: LabelPolicy) -> Sequence[pa.Field]:
    return _PROVENANCE if names_judges(policy) else ()


def provenance_of(pair: TextPair, policy: LabelPolicy) -> Row:
    """The columns of `provenance_fields`: all pairs have them, whoever decided them."""
    if not names_judges(policy):
        return {}
    return {
        "source": pair.source,
        "share": pair.share,
        "judge_prompt": pair.prompt,
        "principles": list(pair.principles),
    }


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

    def needs(self, policy: LabelPolicy) -> frozenset[Need]:
        judged = frozenset({Need.JUDGE_PREFERENCES}) if names_judges(policy) else frozenset()
        return super().needs(policy) | judged

    def reads_labels(self, policy: LabelPolicy) -> bool:
        is_scored = "answers" in policy.pairs and policy.margin_rule == "scores"
        return ("labels" in policy.pairs or is_scored) and policy.pair_score != "verifier_score"

    def notices(self, policy: LabelPolicy, tally: Tally) -> Sequence[str]:
        judged = sum(count for source, count in tally.sources.items() if source.startswith(JUDGE_PREFIX))
        if not judged or not tally.sources[PEOPLE]:
            return ()
        return (
            (
                f"{tally.sources[PEOPLE]} pairs are preferences of people and {judged} are verdicts of judges: `source` names "
                "the one or the other in each row."
            ),
        )

    def schema(self, policy: LabelPolicy) -> pa.Schema:
        return pa.schema([*pair_columns(policy), *provenance_fields(policy)])

    def check(self, policy: LabelPolicy) -> None:
        has_preferences = "preferences" in policy.pairs
        has_people = has_preferences and "people" in policy.preferences
        if has_people and "human" not in policy.sources:
            raise PolicyError("sources", f"must name human: {self.name} is made of people's preferences")
        is_share = names_judges(policy) or (has_people and policy.people == "majority")
        if policy.minimum_share > LOWEST_SHARE and not is_share:
            raise PolicyError(
                "minimum_share",
                "must be 0.5 unless pairs names preferences, and people is majority or preferences names judges",
            )
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
