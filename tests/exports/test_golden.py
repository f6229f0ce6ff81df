"""Every format of whole solutions, critiques and steps, under every policy switch that touches it, against golden files."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest

from apps.corpus.records import Record
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from tests.exports.golden_pairs import PAIR_RECORDS
from tests.exports.golden_rows import RECORDS, check_golden, exported

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "verifier-sft": ("verifier-sft", {}),
    "verifier-sft.conversational": ("verifier-sft", {"prompts": "conversational"}),
    "verifier-sft.several": ("verifier-sft", {"critiques_per_solution": 10}),
    "verifier-sft.judges-first": ("verifier-sft", {"critiques": ["judges", "rollouts"]}),
    "verifier-sft.rollouts": ("verifier-sft", {"critiques": ["rollouts"]}),
    "verifier-sft.one-judge": ("verifier-sft", {"critiques": ["judges"], "judges": ["mild"]}),
    "verifier-sft.okay-is-negative": ("verifier-sft", {"neutral": "negative", "people": "first"}),
    "verifier-sft.okay-is-okay": ("verifier-sft", {"neutral": "own_class", "critiques_per_solution": 10}),
    "verifier-sft.by-people": ("verifier-sft", {"sources": ["human"], "people": "first"}),
    "verifier-dpo": ("verifier-dpo", {}),
    "verifier-dpo.conversational": ("verifier-dpo", {"prompts": "conversational", "critiques": ["judges"]}),
    "verifier-dpo.capped": ("verifier-dpo", {"pairs_per_problem": 2}),
    "verifier-dpo.llama-factory": ("verifier-dpo", {"prompts": "llama_factory", "critiques": ["judges"]}),
    "verifier-dpo.ms-swift": ("verifier-dpo", {"prompts": "ms_swift", "critiques": ["judges"]}),
    "verifier-rl": ("verifier-rl", {}),
    "verifier-rl.split": ("verifier-rl", {"splits": {"train": 0.5, "test": 0.5}}),
    "processbench": ("processbench", {}),
    "processbench.rollouts": ("processbench", {"sources": ["monte_carlo_hard"]}),
    "sft": ("sft", {}),
    "sft.conversational": ("sft", {"prompts": "conversational"}),
    "sft.people": ("sft", {"sources": ["human"]}),
    "sft.okay-is-negative": ("sft", {"neutral": "negative", "people": "each"}),
    "step-dpo": ("step-dpo", {}),
    "step-dpo.people": ("step-dpo", {"sources": ["human"], "people": "first"}),
    "step-dpo.okay-is-okay": ("step-dpo", {"sources": ["human"], "people": "first", "neutral": "own_class"}),
    "step-dpo.conversational": ("step-dpo", {"prompts": "conversational"}),
    "step-dpo.llama-factory": ("step-dpo", {"prompts": "llama_factory"}),
    "step-dpo.capped": ("step-dpo", {"pairs_per_problem": 1}),
    "step-dpo.no-alternatives": ("step-dpo", {"sources": ["human"], "people": "first", "alternatives": "drop"}),
    "verl": ("verl", {}),
    "verl.steps": ("verl", {"rewards": "steps"}),
    "verl.soft-steps": ("verl", {"rewards": "steps", "sources": ["monte_carlo_soft"]}),
    "verl.negative-steps": ("verl", {"rewards": "steps", "after_first_error": "negative", "neutral": "own_class"}),
    "orm": ("orm", {}),
    "orm.conversational": ("orm", {"prompts": "conversational"}),
    "openrlhf-prm": ("openrlhf-prm", {}),
    "openrlhf-prm.tag": ("openrlhf-prm", {"step_tag": "<extra_0>", "alternatives": "drop", "sources": ["human"]}),
    "rlhflow-prm": ("rlhflow-prm", {}),
    "rlhflow-prm.negative": ("rlhflow-prm", {"sources": ["human"], "people": "each", "after_first_error": "negative"}),
    "qwen-prm": ("qwen-prm", {}),
    "qwen-prm.votes": (
        "qwen-prm",
        {
            "sources": ["human", "judge", "gold", "monte_carlo_soft"],
            "combine": "votes",
            "columns": ["values", "votes"],
            "unlabeled": "mask",
        },
    ),
    "qwen-prm.rollouts": ("qwen-prm", {"sources": ["monte_carlo_soft"], "soft_threshold": 0.8}),
}
PAIRS: dict[str, tuple[str, dict[str, Any]]] = {
    "dpo": ("dpo", {}),
    "dpo.conversational": ("dpo", {"prompts": "conversational"}),
    "dpo.llama-factory": ("dpo", {"prompts": "llama_factory", "ties": "both_ways"}),
    "dpo.ms-swift": ("dpo", {"prompts": "ms_swift"}),
    "dpo.answers": ("dpo", {"pairs": ["answers"]}),
    "reward-pairs": ("reward-pairs", {}),
    "reward-pairs.llama-factory": ("reward-pairs", {"prompts": "llama_factory"}),
    "reward-pairs.each": ("reward-pairs", {"people": "each", "margins": "small"}),
    "reward-pairs.votes": ("reward-pairs", {"margin_rule": "votes", "ties": "both_ways"}),
    "reward-pairs.share": ("reward-pairs", {"minimum_share": 0.7}),
    "reward-pairs.scores": ("reward-pairs", {"margin_rule": "scores", "pair_score": "verifier_score"}),
    "reward-pairs.answers": ("reward-pairs", {"pairs": ["answers"], "pair_matching": "closest_length"}),
    "reward-pairs.same-source": ("reward-pairs", {"pairs": ["answers", "labels"], "pair_matching": "same_source"}),
    "reward-pairs.labels": ("reward-pairs", {"pairs": ["labels"], "margin_rule": "scores"}),
    "reward-pairs.first-error": (
        "reward-pairs",
        {"pairs": ["labels"], "margin_rule": "scores", "pair_score": "first_error", "sources": ["monte_carlo_hard"]},
    ),
    "reward-pairs.all": ("reward-pairs", {"pairs": ["preferences", "answers", "labels"], "margin_rule": "scores"}),
    "reward-pairs.capped": ("reward-pairs", {"pairs": ["labels", "answers", "preferences"], "pairs_per_problem": 1}),
}
CASES |= PAIRS


def _records(name: str) -> list[Record]:
    return PAIR_RECORDS if name in PAIRS else RECORDS


@pytest.mark.parametrize("name", CASES)
def test_rows_are_those_of_the_golden_file(name: str) -> None:
    format_, policy = CASES[name]
    rows = exported(format_, _records(name), **policy)
    assert rows, "a golden file shows something"
    check_golden(name, rows)


@pytest.mark.parametrize("name", CASES)
def test_every_row_has_the_declared_keys_and_types(name: str) -> None:
    format_, policy = CASES[name]
    rows = exported(format_, _records(name), **policy)
    schema = FORMATS[format_].schema(LabelPolicy.from_dict(policy))
    assert pa.Table.from_pylist(rows, schema=schema).to_pylist() == rows
    assert {tuple(row) for row in rows} == {tuple(schema.names)}
    # Trainers take these columns for their own.
    assert not {"text", "labels", "tools", "images", "completions", "prompts"} & set(schema.names)


@pytest.mark.parametrize("name", CASES)
def test_the_counts_of_rows_left_out_are_those_of_the_golden_file(name: str) -> None:
    format_, policy = CASES[name]
    tally = Tally()
    exported(format_, _records(name), tally, **policy)
    counts = {"labels": dict(tally.labels), "sources": dict(tally.sources), "left_out": dict(tally.left_out)}
    check_golden(f"counts/{name}", [json.loads(json.dumps(counts))])
