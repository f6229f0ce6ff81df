"""OpenRLHF's data set classes and losses, 0.9.5 and 0.11.2, read pairs; 0.9.5 reads `openrlhf-prm` as well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports, falls


@pytest.fixture(scope="module", params=["openrlhf-0.9", "openrlhf-0.11"])
def pairs(request: pytest.FixtureRequest, exports: Exports, home: Path) -> dict[str, Any]:
    files = exports.file("reward-pairs"), exports.file("reward-pairs-messages")
    return run_script("openrlhf_pairs", request.param, *files, home=home / request.param)


@pytest.fixture(scope="module")
def steps(exports: Exports, home: Path) -> dict[str, Any]:
    tag = exports.manifest("openrlhf-prm")["policy"]["step_tag"]
    return run_script("openrlhf_prm", "openrlhf-0.9", exports.file("openrlhf-prm"), tag, home=home / "steps")


def test_loss_falls(pairs: dict[str, Any], steps: dict[str, Any]) -> None:
    assert falls(pairs["losses"])
    assert falls(steps["losses"])


def test_every_pair_is_used_with_its_prompt_and_margin(pairs: dict[str, Any]) -> None:
    assert pairs["used"] == pairs["used_by_dpo"] == pairs["rows"]
    assert pairs["misplaced"] == pairs["misplaced_dialogues"] == 0
    assert pairs["margins"]


def test_without_the_prompt_key_no_prompt_is_read_and_the_card_says_so(exports: Exports, pairs: dict[str, Any]) -> None:
    assert pairs["prompts_without_the_key"] == 0
    assert "--data.prompt_key prompt" in exports.card("reward-pairs")
    assert "--data.prompt_key prompt" in exports.card("dpo")


def test_long_answers_are_cut_and_the_card_counts_them(exports: Exports, pairs: dict[str, Any]) -> None:
    assert pairs["longest_at_1024"] == 1024
    assert exports.rows_above("reward-pairs", 1024) > 0


def test_each_sign_stands_on_its_tag(steps: dict[str, Any]) -> None:
    assert steps["used"] == steps["rows"]
    assert steps["labels_used"] == steps["labels"]
    assert steps["misplaced"] == 0


def test_labels_are_lists_of_signs_since_shares_and_texts_are_refused(steps: dict[str, Any]) -> None:
    assert steps["traps"]["soft"].startswith("RuntimeError")
    assert steps["traps"]["text"].startswith("AssertionError")
