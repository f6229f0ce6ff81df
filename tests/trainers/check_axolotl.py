"""axolotl 0.19.0's `stepwise_supervised` reads `trl-prm`, through its command line on the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports, falls


@pytest.fixture(scope="module")
def outcome(exports: Exports, home: Path) -> dict[str, Any]:
    return run_script("axolotl_prm", "axolotl", exports.file("trl-prm"), home=home)


def test_loss_falls(outcome: dict[str, Any]) -> None:
    assert len(outcome["losses"]) == 81
    assert falls(outcome["losses"])


def test_every_row_and_label_is_used(exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome["used"] == outcome["rows"] == exports.index["trl-prm"]["rows"]
    assert outcome["labels_used"] == outcome["labels"]


def test_labels_stand_where_steps_end(outcome: dict[str, Any]) -> None:
    assert outcome["misplaced"] == 0


def test_labels_behind_sequence_len_are_cut_and_the_card_says_so(exports: Exports, outcome: dict[str, Any]) -> None:
    assert outcome["labels_at_1024"] < outcome["labels"]
    assert "`sequence_len`" in exports.card("trl-prm")


def test_rows_have_a_label_for_each_step_since_fewer_pass_without_a_word(
    exports: Exports, outcome: dict[str, Any]
) -> None:
    tokens, labels = outcome["traps"]["fewer_labels"]
    assert labels < tokens
    assert all(len(row["labels"]) == len(row["completions"]) for row in exports.rows("trl-prm"))
