"""TRL's RewardTrainer reads `reward-pairs`, as texts and as messages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports


@pytest.fixture(scope="module")
def outcome(exports: Exports, home: Path) -> dict[str, Any]:
    files = exports.file("reward-pairs"), exports.file("reward-pairs-messages")
    return run_script("trl_reward", "trl-1.16", *files, home=home)


def test_loss_falls(outcome: dict[str, Any]) -> None:
    assert outcome["loss"]["after"] < 0.9 * outcome["loss"]["before"]
    assert outcome["loss_dialogues"]["after"] < 0.9 * outcome["loss_dialogues"]["before"]


def test_every_row_is_used_with_the_settings_of_the_card(exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome["used"] == outcome["rows"]
    assert outcome["used_dialogues"] == outcome["rows_dialogues"]
    assert "RewardConfig(max_length=None)" in exports.card("reward-pairs")


def test_the_model_reads_prompt_and_answer_whole(outcome: dict[str, Any]) -> None:
    assert outcome["misplaced"] == outcome["misplaced_dialogues"] == 0


def test_rows_above_the_default_length_are_removed_and_the_card_counts_them(
    exports: Exports, outcome: dict[str, Any]
) -> None:
    removed = outcome["rows"] - outcome["used_at_default_length"]
    assert removed == outcome["rows_over_default_length"] == exports.rows_above("reward-pairs", 1024) > 0


def test_margins_are_numbers_since_one_null_ends_the_training(outcome: dict[str, Any]) -> None:
    assert outcome["margins"] == ["float"]
    assert outcome["traps"]["null_margin"].startswith("TypeError")
