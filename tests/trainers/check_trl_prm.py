"""TRL 1.13.0's PRMTrainer, the last version that has it, reads `trl-prm`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports


@pytest.fixture(scope="module")
def outcome(exports: Exports, home: Path) -> dict[str, Any]:
    return run_script("trl_prm", "trl-1.13", exports.file("trl-prm"), home=home)


def test_loss_falls(outcome: dict[str, Any]) -> None:
    assert outcome["loss"]["after"] < 0.9 * outcome["loss"]["before"]


def test_every_row_and_label_is_used_with_the_settings_of_the_card(exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome["used"] == outcome["rows"] == exports.index["trl-prm"]["rows"]
    assert outcome["labels_used"] == outcome["labels"]
    assert "PRMConfig(max_length=None)" in exports.card("trl-prm")


def test_labels_stand_where_steps_end(outcome: dict[str, Any]) -> None:
    assert outcome["misplaced"] == 0


def test_labels_stand_on_the_extra_token_when_it_separates_the_steps(outcome: dict[str, Any]) -> None:
    assert outcome["misplaced_with_extra_token"] == 0


def test_rows_above_the_default_length_lose_labels_and_the_card_counts_them(
    exports: Exports, outcome: dict[str, Any]
) -> None:
    assert outcome["labels_at_default_length"] < outcome["labels"]
    assert outcome["rows_over_default_length"] == exports.rows_above("trl-prm", 1024) > 0
    assert "lose the labels" in exports.card("trl-prm")


def test_a_batch_of_rows_without_labels_costs_nothing_and_says_nothing(outcome: dict[str, Any]) -> None:
    """The reason for `max_length=None` in the card."""
    assert outcome["loss_of_long_rows"]["losses"] == [0.0, 0.0]


def test_labels_are_booleans_since_shares_would_become_zeros(outcome: dict[str, Any]) -> None:
    assert outcome["label_types"] == ["bool"]
    assert outcome["traps"]["soft"] == [-100, 0]


def test_no_label_is_an_integer_and_never_null(outcome: dict[str, Any]) -> None:
    assert outcome["traps"]["no_label"] == [-100]
    assert outcome["traps"]["null"].startswith("TypeError")
    assert outcome["traps"]["fewer_labels"].startswith("ValueError")
