from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.records import RowError
from apps.corpus.splitting import SPLITTERS, split_steps


@pytest.mark.parametrize(
    ("split", "separator", "text", "steps"),
    [
        ("newline", None, "One.\nTwo.\n\nThree.", ["One.", "Two.", "Three."]),
        ("blank_line", None, "One\nand more.\n\nTwo.", ["One\nand more.", "Two."]),
        ("numbered", None, "Step 1: One.\nStep 2: Two.\nof it.", ["Step 1: One.", "Step 2: Two.\nof it."]),
        ("numbered", None, "1. One.\n2. Two.", ["1. One.", "2. Two."]),
        ("separator", "<step>", "One.<step>Two.", ["One.", "Two."]),
    ],
)
def test_a_text_becomes_steps(split: str, separator: str | None, text: str, steps: list[str]) -> None:
    found, _ = split_steps(text, split, separator)
    assert [one.strip() for one in found] == steps


@given(st.text(max_size=80), st.sampled_from(sorted(set(SPLITTERS) - {"separator"})))
def test_no_word_is_lost_whatever_the_text(text: str, split: str) -> None:
    try:
        steps, _ = split_steps(text, split, None)
    except RowError:
        assert not text.strip()
        return
    assert "".join("".join(steps).split()) == "".join(text.split())
    assert all(step.strip() for step in steps)
