from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.verifiers.extraction import extract_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("We add.\n#### 1,234", "1,234"),
        ("#### -3", "-3"),
        ("# Answer\n\n\\frac{1}{2}", "\\frac{1}{2}"),
        ("Step 5: so it is 13520. The answer is: 13520", "13520"),
        ("So \\boxed{3}, and then \\boxed{\\frac{a}{b}}.", "\\frac{a}{b}"),
        ("\\boxed{\\text{a {nested} brace}}", "\\text{a {nested} brace}"),
        ("There is none here.", None),
        ("\\boxed{ never closed", None),
        ("", None),
    ],
)
def test_the_final_answer_is_found(text: str, answer: str | None) -> None:
    assert extract_answer(text) == answer


@given(st.text(max_size=200) | st.text(alphabet="\\boxed{}#$ Answerthis:.\n", max_size=80))
def test_no_text_raises_and_what_is_found_stands_in_it(text: str) -> None:
    found = extract_answer(text)
    assert found is None or (found.strip() and found in text)
