"""ms-swift 4.6.0's `swift rlhf` and `swift sft` read pairs and conversations, with the settings of the cards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports, falls

COLUMNS = {"chosen": "response", "rejected": "rejected_response"}
READ: dict[str, tuple[str, dict[str, str]]] = {
    "dpo": ("dpo", COLUMNS),
    "dpo-ms-swift": ("dpo", {}),
    "verifier-dpo-ms-swift": ("dpo", {}),
    "reward-pairs": ("rm", COLUMNS),
    "rlhflow-prm": ("sft", {}),
    "verifier-sft-messages": ("sft", {}),
}


@pytest.fixture(scope="module")
def outcome(exports: Exports, home: Path) -> dict[str, Any]:
    tasks = {
        name: {"file": exports.file(name), "task": task, "columns": columns} for name, (task, columns) in READ.items()
    }
    tasks["without columns"] = {"file": exports.file("dpo"), "task": "dpo", "columns": {}}
    lists = {"chosen": "messages", "rejected": "rejected_messages"}
    tasks["lists"] = {"file": exports.file("dpo-messages"), "task": "dpo", "columns": lists}
    return run_script("ms_swift", "ms-swift", json.dumps(tasks), home=home)["tasks"]


@pytest.mark.parametrize("name", READ)
def test_loss_falls(name: str, outcome: dict[str, Any]) -> None:
    assert falls(outcome[name]["losses"])


@pytest.mark.parametrize("name", READ)
def test_every_row_is_used(name: str, exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome[name]["used"] == outcome[name]["rows"] == exports.index[name]["rows"]


def test_prompt_answers_and_margin_are_those_of_the_row(exports: Exports, outcome: dict[str, Any]) -> None:
    row, read = exports.rows("reward-pairs")[0], outcome["reward-pairs"]["row"]
    assert [message["content"] for message in read["messages"]] == [row["prompt"], row["chosen"]]
    assert (read["rejected_response"], read["margin"]) == (row["rejected"], row["margin"])


@pytest.mark.parametrize("name", ["dpo-ms-swift", "verifier-dpo-ms-swift"])
def test_dialogues_keep_their_prompt_in_its_own_form(name: str, exports: Exports, outcome: dict[str, Any]) -> None:
    row, read = exports.rows(name)[0], outcome[name]["row"]
    assert read["messages"] == row["messages"]
    assert read["rejected_messages"] == row["rejected_messages"]
    assert read["messages"][:-1] == read["rejected_messages"][:-1]


def test_without_columns_pairs_are_lost_and_the_card_names_them(exports: Exports, outcome: dict[str, Any]) -> None:
    assert "rejected_response" not in outcome["without columns"]["columns"]
    assert outcome["without columns"]["error"]
    assert '--columns \'{"chosen": "response", "rejected": "rejected_response"}\'' in exports.card("dpo")


def test_lists_of_messages_would_train_without_the_prompt_and_the_card_says_so(
    exports: Exports, outcome: dict[str, Any]
) -> None:
    assert len(outcome["lists"]["row"]["messages"]) == 1
    assert falls(outcome["lists"]["losses"])
    assert "train without the prompt" in exports.card("dpo-messages")
