"""verl 0.9.1's data set and reward functions read `verl` and `verifier-rl`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports, documented_code

NAMES = ("verl", "verl-parquet", "verifier-rl")


@pytest.fixture(scope="module")
def outcome(exports: Exports, home: Path) -> dict[str, Any]:
    reward = documented_code("annotate_rewards.py", home)
    files = [f"{name}={exports.file(name)}" for name in NAMES]
    return run_script("verl_rows", "verl", *files, str(reward), home=home)["files"]


@pytest.mark.parametrize("name", NAMES)
def test_every_prompt_is_kept_below_its_length(name: str, exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome[name]["used"] == exports.index[name]["rows"]
    assert {"raw_prompt", "data_source", "reward_model"} <= set(outcome[name]["item"])


@pytest.mark.parametrize("name", NAMES)
def test_prompts_above_the_default_length_are_dropped_and_the_card_counts_them(
    name: str, exports: Exports, outcome: dict[str, Any]
) -> None:
    dropped = exports.index[name]["rows"] - outcome[name]["used_at_default_length"]
    assert dropped == exports.rows_above(name, 1024) > 0
    assert "max_prompt_length" in exports.card(name)


@pytest.mark.parametrize("name", NAMES)
def test_every_ground_truth_is_text_that_pays_when_it_is_said(name: str, outcome: dict[str, Any]) -> None:
    assert outcome[name]["strange_truths"] == []
    assert outcome[name]["paid_right"]
    assert outcome[name]["paid_wrong"]


def test_a_data_source_of_ours_needs_the_documented_reward_function(outcome: dict[str, Any]) -> None:
    assert outcome["verl"]["unknown_source"].startswith("NotImplementedError")
