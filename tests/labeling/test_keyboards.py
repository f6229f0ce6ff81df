"""The page's keys on the keyboards of the world: printed letters where they are Latin, and the places of keys elsewhere."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests import node

HERE = Path(__file__).parent
PRESSES = json.loads((HERE / "keyboards.json").read_text())


@pytest.fixture(scope="module")
def results() -> dict[str, dict[str, Any]]:
    ran = json.loads(node.run(HERE / "run_keyboards.mjs"))
    return {press["name"]: result for press, result in zip(PRESSES, ran, strict=True)}


@pytest.mark.parametrize("press", PRESSES, ids=[press["name"] for press in PRESSES])
def test_a_key_runs_the_command_that_its_keyboard_means(
    press: dict[str, Any], results: dict[str, dict[str, Any]]
) -> None:
    assert results[press["name"]]["command"] == press["command"]


def test_a_key_of_another_script_is_chosen_by_its_latin_name(results: dict[str, dict[str, Any]]) -> None:
    """So that an own key map works on every keyboard of its person."""
    assert results["Russian: the key at the place of u"]["name"] == "u"
