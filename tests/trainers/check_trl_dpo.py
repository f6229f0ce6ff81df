"""TRL's DPOTrainer reads `dpo`, `step-dpo` and `verifier-dpo`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports


@pytest.fixture(scope="module", params=["dpo", "step-dpo", "verifier-dpo"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def outcome(name: str, exports: Exports, home: Path) -> dict[str, Any]:
    files = exports.file(name), exports.file(f"{name}-messages")
    return run_script("trl_dpo", "trl-1.16", *files, home=home / name)


def test_loss_falls(outcome: dict[str, Any]) -> None:
    assert outcome["loss"]["after"] < outcome["loss"]["before"]
    assert outcome["loss_dialogues"]["after"] < outcome["loss_dialogues"]["before"]


def test_every_row_is_used_with_the_settings_of_the_card(name: str, exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome["used"] == outcome["rows"]
    assert outcome["used_dialogues"] == outcome["rows_dialogues"]
    assert "max_length=None" in exports.card(name)


def test_prompt_and_answers_are_parted_where_the_row_parts_them(outcome: dict[str, Any]) -> None:
    assert outcome["misplaced"] == outcome["misplaced_dialogues"] == 0


def test_rows_whose_prompt_fills_the_default_length_are_dropped(outcome: dict[str, Any]) -> None:
    assert outcome["rows"] - outcome["used_at_default_length"] == outcome["prompts_over_default_length"]


def test_no_pair_has_equal_sides_since_they_train_without_a_word(outcome: dict[str, Any]) -> None:
    assert outcome["equal_sides"] == 0
