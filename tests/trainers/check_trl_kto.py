"""TRL's KTOTrainer reads `orm`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports


@pytest.fixture(scope="module")
def outcome(exports: Exports, home: Path) -> dict[str, Any]:
    return run_script("trl_kto", "trl-1.16", exports.file("orm"), exports.file("dpo"), home=home)


def test_loss_falls(outcome: dict[str, Any]) -> None:
    assert outcome["loss"]["after"] < outcome["loss"]["before"]


def test_every_row_is_used_with_the_settings_of_the_card(exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome["used"] == outcome["rows"]
    assert "KTOConfig(max_length=None)" in exports.card("orm")


def test_rows_whose_prompt_fills_the_default_length_are_dropped_and_the_card_counts_them(
    exports: Exports, outcome: dict[str, Any]
) -> None:
    dropped = outcome["rows"] - outcome["used_at_default_length"]
    assert dropped == outcome["prompts_over_default_length"] == exports.rows_above("orm", 1024) > 0


def test_answers_and_labels_are_those_of_the_rows(outcome: dict[str, Any]) -> None:
    assert outcome["misplaced"] == 0
    assert outcome["label_types"] == ["bool"]
    assert outcome["empty_completions"] == 0


def test_no_batch_holds_only_right_or_only_wrong_answers(outcome: dict[str, Any]) -> None:
    assert outcome["batches_of_one_class"] == 0


def test_from_pairs_it_reads_all_chosen_answers_before_the_rejected_ones(
    exports: Exports, outcome: dict[str, Any]
) -> None:
    """Why the card of `dpo` sends users of KTO to `orm`."""
    assert outcome["batches_of_one_class_from_pairs"] >= outcome["batches_from_pairs"] - 1
    assert "For KTO take `orm`" in exports.card("dpo")
