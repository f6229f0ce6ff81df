"""TRL's SFTTrainer reads `verifier-sft`, `sft` and `rlhflow-prm`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports

NAMES = ("verifier-sft", "verifier-sft-messages", "sft", "sft-messages", "rlhflow-prm")


@pytest.fixture(scope="module")
def outcome(exports: Exports, home: Path) -> dict[str, Any]:
    return run_script("trl_sft", "trl-1.16", *(f"{name}={exports.file(name)}" for name in NAMES), home=home)["files"]


@pytest.mark.parametrize("name", NAMES)
def test_loss_falls(name: str, outcome: dict[str, Any]) -> None:
    assert outcome[name]["loss"]["after"] < 0.95 * outcome[name]["loss"]["before"]


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_used_with_the_settings_of_the_card(name: str, exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome[name]["used"] == outcome[name]["rows"]
    assert "max_length=None" in exports.card(name)


@pytest.mark.parametrize("name", NAMES)
def test_only_replies_are_learned_each_with_its_end(name: str, outcome: dict[str, Any]) -> None:
    assert outcome[name]["misplaced"] == 0


@pytest.mark.parametrize("name", NAMES)
def test_rows_above_the_default_length_are_cut_or_dropped_and_the_card_counts_them(
    name: str, exports: Exports, outcome: dict[str, Any]
) -> None:
    facts = outcome[name]
    lost = facts["rows"] - facts["used_at_default_length"] + facts["cut_at_default_length"]
    assert lost == facts["rows_over_default_length"] == exports.rows_above(name, 1024) > 0


def test_no_column_is_one_that_the_trainer_takes_for_its_own(exports: Exports) -> None:
    for name in NAMES:
        assert not {"text", "labels", "tools", "images", "prompts"} & set(exports.rows(name)[0])
