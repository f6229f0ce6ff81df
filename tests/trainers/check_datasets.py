"""`datasets` 5.2.0 loads every export by the name of its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.trainers.environment import run_script
from tests.trainers.made import Exports


@pytest.fixture(scope="module")
def loaded(exports: Exports, home: Path) -> dict[str, Any]:
    folders = [str(exports.folder / name) for name in exports.index]
    return run_script("load_datasets", "trl-1.16", *folders, home=home)["folders"]


def test_every_folder_loads_whole(exports: Exports, loaded: dict[str, Any]) -> None:
    assert {name: facts["error"] for name, facts in loaded.items() if "error" in facts} == {}
    assert {name: sum(facts["splits"].values()) for name, facts in loaded.items()} == {
        name: exports.index[name]["rows"] for name in loaded
    }


def test_values_come_back_as_they_were_written(loaded: dict[str, Any]) -> None:
    assert {name: facts["differing"] for name, facts in loaded.items() if facts.get("differing")} == {}


def test_extras_of_our_own_row_come_back(exports: Exports, loaded: dict[str, Any]) -> None:
    assert any(row["solution"]["extras"] for row in exports.rows("annotate"))
    assert loaded["annotate"]["differing"] == 0


def test_splits_are_those_of_the_policy_and_not_guessed_from_names(exports: Exports, loaded: dict[str, Any]) -> None:
    """The project is called `test-steps`."""
    assert set(loaded["trl-prm"]["splits"]) == {"train"}
    assert set(loaded["trl-prm-splits"]["splits"]) == {"train", "validation", "test"}


def test_labels_are_booleans_for_the_trainer(loaded: dict[str, Any]) -> None:
    for name in ("trl-prm", "trl-prm-parquet", "trl-prm-gzip", "trl-prm-zstd"):
        assert "bool" in loaded[name]["features"]["labels"]
