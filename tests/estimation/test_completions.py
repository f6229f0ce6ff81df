"""The answer of a completion, for all finish reasons of servers."""

from __future__ import annotations

import pytest

from apps.estimation.engine.completions import Completion, read_completion
from apps.inference.transports import TRANSPORTS
from apps.inference.transports.base import read_choices
from apps.inference.types import CompletionChoice

WHOLE = "We multiply.\nThe answer is 27."
RUNAWAY = "\nThe answer is 27.\n\nQuestion: Ann has 2 hats and gets 3. How many?\nAnswer: 2 + 3 = 5. The answer is 5."


@pytest.mark.parametrize(
    "reason", ["stop", "eos_token", "stop_sequence", "end_turn", "STOP", "FinishReason.STOP", "COMPLETE"]
)
def test_an_end_of_the_models_own_is_whole(reason: str) -> None:
    assert read_completion(CompletionChoice(WHOLE, reason)) == Completion(WHOLE, "27", is_cut=False)


@pytest.mark.parametrize(
    "reason",
    [
        "length",
        "max_tokens",
        "MAX_TOKENS",
        "model_length",
        "content_filter",
        "SAFETY",
        "tool_calls",
        "abort",
        "error",
        "FINISH_REASON_MAX_TOKENS",
    ],
)
def test_every_other_end_is_a_cut_however_finished_the_text_looks(reason: str) -> None:
    assert read_completion(CompletionChoice(WHOLE, reason)) == Completion(WHOLE, None, is_cut=True)


@pytest.mark.parametrize("reason", ["", "whatever"])
def test_where_the_server_does_not_say_an_unfinished_text_was_cut(reason: str) -> None:
    assert read_completion(CompletionChoice(WHOLE, reason)).is_cut is False
    assert read_completion(CompletionChoice("We multiply.\nThe answer is 2", reason)).is_cut is True
    assert read_completion(CompletionChoice("The answer is $\\boxed{27", reason)).is_cut is True


@pytest.mark.parametrize("reason", ["stop", "length"])
def test_a_question_of_its_own_decides_nothing_and_is_no_cut_of_the_solution(reason: str) -> None:
    completion = read_completion(CompletionChoice(RUNAWAY, reason))
    assert (completion.answer, completion.is_cut) == ("27", False)
    assert "Ann" not in completion.own


@pytest.mark.parametrize(
    "text",
    [
        "The answer is 27.\n\nFind the sum of the first 4 positive integers. The answer is 10.",
        "It is $\\boxed{27}$.\n\nCompute $3+4$. We have $3+4 = \\boxed{7}$.",
        "#### 27\nA train travels 60 miles in 2 hours. What is its speed?\n#### 30",
    ],
)
def test_a_second_answer_that_nothing_marks_leaves_none(text: str) -> None:
    assert read_completion(CompletionChoice(text, "stop")) == Completion(text, None, is_cut=False)


def test_an_empty_completion_takes_the_answer_of_its_prefix() -> None:
    assert read_completion(CompletionChoice("", "stop"), "So the answer is 26.").answer == "26"
    assert read_completion(CompletionChoice("", "stop"), "So we multiply.").answer is None


@pytest.mark.parametrize(
    ("message", "text", "is_cut"),
    [
        ({"content": WHOLE}, WHOLE, False),
        (
            {"content": [{"type": "text", "text": "We multiply.\n"}, {"type": "text", "text": "The answer is 27."}]},
            WHOLE,
            False,
        ),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "26?"}]},
                    {"type": "text", "text": WHOLE},
                ]
            },
            WHOLE,
            False,
        ),
        ({"content": ["We multiply.\n", "The answer is 27."]}, WHOLE, False),
        ({"content": WHOLE, "reasoning_content": "The answer is 26."}, WHOLE, False),
        ({"content": WHOLE, "reasoning": "The answer is 26."}, WHOLE, False),
        ({"content": None}, "", True),
        ({}, "", True),
        ({"content": None, "reasoning_content": "The answer is 26."}, "", True),
        ({"content": "", "reasoning": "The answer is 26."}, "", True),
        ({"content": None, "refusal": "I cannot help with that."}, "", True),
        ({"content": None, "tool_calls": [{"id": "1"}]}, "", True),
    ],
)
@pytest.mark.parametrize("transport", ["chat-instruct", "chat-prefill"])
def test_content_is_read_in_every_form_and_thoughts_are_left_out(
    transport: str, message: dict[str, object], text: str, is_cut: bool
) -> None:
    answer = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    (choice,) = read_choices(TRANSPORTS[transport], answer)
    assert choice.text == text
    # The prefix stated an answer; a reply that holds nothing but thoughts, or null, does not confirm it.
    assert read_completion(choice, "The answer is 26.").answer == ("27" if text else None)
    assert choice.is_cut is is_cut
