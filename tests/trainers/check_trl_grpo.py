"""TRL's GRPOTrainer reads `verifier-rl` and `verl`, with the reward function of the documentation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports, documented_code


@pytest.fixture(scope="module")
def outcome(exports: Exports, home: Path) -> dict[str, Any]:
    reward = documented_code("first_error_reward.py", home)
    arguments = exports.file("verifier-rl"), str(reward), "first_error_reward"
    return run_script("trl_grpo", "trl-1.16", *arguments, home=home)


def test_it_samples_pays_and_steps(exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome["steps"] == len(outcome["rewards"]) == 3
    assert outcome["used"] == outcome["rows"] == exports.index["verifier-rl"]["rows"]


def test_the_reward_function_gets_the_gold_first_error_as_text(outcome: dict[str, Any]) -> None:
    assert isinstance(outcome["answer"], str)
    assert outcome["answer"] == outcome["ground_truth"]


def test_only_the_right_verdict_is_paid(outcome: dict[str, Any]) -> None:
    assert (outcome["paid_right"], outcome["paid_wrong"]) == ([1.0], [0.0])
