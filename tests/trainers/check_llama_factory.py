"""LLaMA-Factory 0.9.5's stages read pairs, judged answers and conversations, with the entries of the cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports, falls

PAIRS = {"ranking": True, "columns": {"prompt": "prompt", "chosen": "chosen", "rejected": "rejected"}}
DIALOGUES = {
    "ranking": True,
    "formatting": "sharegpt",
    "columns": {"messages": "conversations", "chosen": "chosen", "rejected": "rejected"},
}
COMPLETIONS = {"columns": {"prompt": "prompt", "response": "completion"}}
TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
MESSAGES = {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": {**TAGS, "system_tag": "system"}}
# What LLaMA-Factory would need for lists of messages on both sides, which it does not read.
LISTS = DIALOGUES | {"columns": {"messages": "prompt", "chosen": "chosen", "rejected": "rejected"}, "tags": TAGS}

READ: dict[str, tuple[str, dict[str, Any]]] = {
    "dpo": ("dpo", PAIRS),
    "dpo-llama-factory": ("dpo", DIALOGUES),
    "step-dpo": ("dpo", PAIRS),
    "verifier-dpo": ("dpo", PAIRS),
    "verifier-dpo-llama-factory": ("dpo", DIALOGUES),
    "reward-pairs": ("rm", PAIRS),
    "orm": ("kto", COMPLETIONS | {"columns": {**COMPLETIONS["columns"], "kto_tag": "label"}}),
    "sft": ("sft", COMPLETIONS),
    "verifier-sft": ("sft", COMPLETIONS),
    "verifier-sft-messages": ("sft", MESSAGES),
    "rlhflow-prm": ("sft", MESSAGES),
}


@pytest.fixture(scope="module")
def outcome(exports: Exports, home: Path) -> dict[str, Any]:
    tasks = {
        name: {"file": exports.file(name), "stage": stage, "entry": entry} for name, (stage, entry) in READ.items()
    }
    tasks["dpo-messages"] = {"file": exports.file("dpo-messages"), "stage": "dpo", "entry": LISTS}
    return run_script("llama_factory", "llama-factory", json.dumps(tasks), home=home)["tasks"]


@pytest.mark.parametrize("name", READ)
def test_loss_falls(name: str, outcome: dict[str, Any]) -> None:
    if name == "orm":  # From 0.5 it moves little in twelve steps of another KL estimate each.
        assert min(outcome[name]["losses"]) < outcome[name]["losses"][0]
    else:
        assert falls(outcome[name]["losses"])


@pytest.mark.parametrize("name", READ)
def test_every_row_is_used_below_cutoff_len(name: str, exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome[name]["used"] == outcome[name]["rows"] == exports.index[name]["rows"]
    assert outcome[name]["longest"] < 4096


@pytest.mark.parametrize("name", ["dpo", "step-dpo", "verifier-dpo", "reward-pairs", "orm", "sft", "verifier-sft"])
def test_what_is_learned_is_the_answer_and_what_is_not_is_the_prompt(
    name: str, exports: Exports, outcome: dict[str, Any]
) -> None:
    key = "chosen" if "chosen" in exports.rows(name)[0] else "completion"
    for row, prompt, learned in zip(
        exports.rows(name), outcome[name]["prompts"], outcome[name]["learned"], strict=True
    ):
        assert row["prompt"].strip() in prompt
        assert learned.removesuffix("\n").removesuffix("<|im_end|>") == row[key]


def test_a_conversation_is_learned_in_its_replies(exports: Exports, outcome: dict[str, Any]) -> None:
    for row, learned in zip(
        exports.rows("verifier-sft-messages"), outcome["verifier-sft-messages"]["learned"], strict=True
    ):
        assert row["messages"][-1]["content"] in learned


def test_lists_of_messages_are_no_valid_rows_and_the_card_says_so(exports: Exports, outcome: dict[str, Any]) -> None:
    assert "Cannot find valid samples" in outcome["dpo-messages"]["error"]
    assert "finds no valid row in `conversational`" in exports.card("dpo-messages")
