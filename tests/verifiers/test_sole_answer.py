r"""The answer of a text from a model without a stop sequence: of two different answers, neither is extracted."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.verifiers.extraction.final_answer import (
    extract_answer,
    is_only_statement,
    last_statement,
    statements,
)
from apps.verifiers.extraction.sole_answer import sole_answer

UNMARKED = [
    "The answer is 27.\n\nFind the sum of the first 10 positive integers. It is 10 x 11 / 2. The answer is 55.",
    "So it is $\\boxed{27}$.\n\nCompute $3+4$. We have $3+4 = \\boxed{7}$.",
    "So it is $\\boxed{27}$.\n\nIf $a = 3$, find $a + 4$.\n\nThe answer is $\\boxed{7}$.",
    "Thus there are $\\boxed{27}$ books on all of the shelves. What is $3+4$? It is $\\boxed{7}$.",
    "The answer is 27.\nJanet has 5 apples and buys 3. How many apples does she have?\nThe answer is 8.",
    "The answer is 27. Janet has 5 apples and buys 3. How many apples does she have? The answer is 8.",
    "The answer is 27.\n\nI have 5 apples and buy 3 for my friend. How many are there?\nThe answer is 8.",
    "#### 27\nA train travels 60 miles in 2 hours. What is its speed?\n#### 30",
    "#### 27 A train travels 60 miles in 2 hours. What is its speed?\n#### 30",
    "Answer: 27\n\n2. What is 5+5?\nAnswer: 10",
    "A: 27\n\nTom has 5 cows and buys 3.\nA: 8",
    "答案是27。\n\n小明有5个苹果，又买了3个。他有多少个苹果？\n答案是8。",
    "La réponse est 27.\n\nCombien font 5 + 3 ?\nLa réponse est 8.",
    "The answer is 27.\n\nSolution:\nThe answer is 8.",
    "The answer is \\boxed{27}.\n\nSolution:\nThe answer is 8.",
    "<answer>27</answer>\n5 + 3 = 8\n<answer>8</answer>",
    "**Answer**\n27\n\n5 + 3 = 8\n\n**Answer**\n8",
    "First \\boxed{3}.\n\nThe other case is \\boxed{27}.",
    "The answer is 27.\n\nHow many do 5 and 3 make? Wait, it is easy. The answer is 8.",
    "The answer is 27. Let me check: that is correct.\n\n5 and 3 are added. The answer is 8.",
]
ONE_ANSWER = [
    "The answer is 26. Wait, let me check. The answer is 27.",
    "The answer is 26. Is that right? No, 9 x 3 is more. The answer is 27.",
    "\\boxed{26}\n\nActually, \\boxed{27}",
    "答案是26。不对，答案是27。",
    "Answer: 27\nThe answer is $27$.",
    "The answer is 27 books. So \\boxed{27}",
    "The answer is 54/2. The answer is 27.",
    "The answer is 27.\n\nLet me verify: 27 / 3 = 9, which is correct.\n\n\\boxed{27}",
    "First $x = \\boxed{3}$.\n\nThen we multiply by 9.\n\nThe final answer is \\boxed{27}.",
    "First $x = \\boxed{3}$.\nThen $9x = \\boxed{27}$.",
    "One shelf is \\boxed{9}, so the three of them \\boxed{27}.",
    "With $x = \\boxed{3}$ shelves of books we multiply by 9.\n\nSo there are $\\boxed{27}$ books.",
    "The answer is 27.\n\nJanet has 5 apples and buys 3. That makes 8.",
]


@pytest.mark.parametrize("text", UNMARKED)
def test_of_two_answers_neither_is_extracted(text: str) -> None:
    assert extract_answer(text) not in (None, "27") or text.startswith("First")
    assert sole_answer(text) is None


@pytest.mark.parametrize("text", ONE_ANSWER)
def test_a_revised_or_repeated_answer_or_one_after_steps_is_extracted(text: str) -> None:
    assert sole_answer(text) == extract_answer(text) == "27"


def test_an_option_with_its_value_is_not_a_second_answer() -> None:
    assert sole_answer("The answer is 27, so the correct option is (B).") == "(B)"


@given(
    st.lists(
        st.sampled_from(
            ["The answer is", " 27", "\n#### 8", "\\boxed{3}", "\n\n", "Find", " wait", "A: ", "?", ". ", "No, "]
        )
    ).map("".join)
)
def test_it_is_the_answer_or_none(text: str) -> None:
    assert sole_answer(text) in (None, extract_answer(text))


PARTS = [
    *(
        "The answer is",
        "Answer:",
        "### Answer",
        "**The answer:**",
        "# Answer",
        "> Answer:",
        "1. Answer: 27",
        "respuesta: 5",
    ),
    *(
        "#### 8",
        "   #### 8 ",
        "####",
        "A: 27",
        "  A: x",
        "\\boxed{3}",
        "\\fbox{3}",
        "\\boxed",
        "<answer>5</answer>",
        "<ans>5",
    ),
    *("[ANSWER]5[/ANSWER]", "option B", "the correct choice is C", " wait", "No, ", "27", "?", ".", " ", "\n", "\n\n"),
]


@given(st.lists(st.sampled_from(PARTS), max_size=7).map("".join))
def test_a_statement_that_a_quick_look_calls_the_only_one_has_none_before_it(text: str) -> None:
    last = last_statement(text)
    if last is not None and is_only_statement(text, last):
        assert [statement for statement in statements(text) if statement.start < last.start] == []


def test_the_quick_look_suffices_for_the_usual_ends_of_solutions() -> None:
    for end in ("The answer is: 27", "#### 27", "So there are $\\boxed{27}$ books.", "A: 27"):
        text = f"9 times 3 is 27.\n{end}"
        last = last_statement(text)
        assert last is not None
        assert is_only_statement(text, last), end


@pytest.mark.slow
@pytest.mark.parametrize(
    "part",
    ["The answer is 2. ", "\\boxed{1} ", "\\boxed{1}.\n\n", "#### 2\n", "#### a\n", "A: 2\n", "How many? ", "no, "],
)
def test_time_grows_with_the_length_of_a_text_and_not_with_its_square(part: str) -> None:
    began = time.process_time()
    sole_answer(f"The answer is 2.\n{part * (40_000 // len(part))}\nThe answer is 2.")
    assert time.process_time() - began < 10
