"""Rows of process rewards for OpenRLHF, for trainers of chat models, and as Qwen2.5-Math-PRM reads them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.records import Record
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally
from tests.exports.test_labels import person
from tests.exports.test_labels import record as labeled
from tests.exports.test_step_tag import record

FORMATS_OF_STEPS = ("openrlhf-prm", "rlhflow-prm", "qwen-prm")
RATED = labeled(people=[person("a", 1, 0, -1)])


def rows(format_: str, one: Record, tally: Tally | None = None, **policy: Any) -> list[dict[str, Any]]:
    chosen = LabelPolicy.from_dict(policy)
    FORMATS[format_].check(chosen)
    return list(FORMATS[format_].rows(one, chosen, tally or Tally()))


def test_openrlhf_has_a_tag_after_each_step_and_a_list_of_signs() -> None:
    assert rows("openrlhf-prm", RATED) == [
        {"input": "What?\nStep 0. ки\nStep 1. ки\nStep 2. ки", "label": ["+", "+", "-"]}
    ]
    assert rows("openrlhf-prm", RATED, step_tag="<extra_0>")[0]["input"].count(" <extra_0>") == 3


def test_a_chat_has_a_sign_as_the_answer_to_each_step() -> None:
    contents = ["What? Step 0.", "+", "Step 1.", "+", "Step 2.", "-"]
    roles = ["user", "assistant"] * 3
    messages = [{"role": role, "content": content} for role, content in zip(roles, contents, strict=True)]
    assert rows("rlhflow-prm", RATED) == [{"messages": messages}]


def test_qwen_has_its_token_after_each_step_and_a_number_for_each() -> None:
    assert rows("qwen-prm", RATED) == [
        {
            "messages": [
                {"role": "user", "content": "What?"},
                {"role": "assistant", "content": "Step 0.<extra_0>Step 1.<extra_0>Step 2.<extra_0>"},
            ],
            "step_labels": [1, 1, 0],
        }
    ]


@pytest.mark.parametrize("format_", FORMATS_OF_STEPS)
def test_there_are_two_classes(format_: str) -> None:
    with pytest.raises(PolicyError, match="neutral: must be positive, negative or drop"):
        rows(format_, RATED, neutral="own_class")


@pytest.mark.parametrize("format_", FORMATS_OF_STEPS)
def test_an_alternative_is_a_row_and_every_rating_is_counted(format_: str) -> None:
    tally = Tally()
    assert len(rows(format_, record("What?", "Two.", "Three.", alternative="Four."), tally)) == 2
    assert tally.ratings() == {"read": 3, "written": 3, "left_out": 0, "repeated": 1, "made": 0}


@pytest.mark.parametrize(
    ("format_", "tag", "policy"),
    [("openrlhf-prm", "ки", {}), ("openrlhf-prm", "<s>", {"step_tag": "<s>"}), ("qwen-prm", "<extra_0>", {})],
)
def test_a_text_that_holds_the_mark_itself_is_left_out_with_the_reason(
    format_: str, tag: str, policy: dict[str, Any]
) -> None:
    for one in (record(f"What{tag}?", "Two."), record("What?", f"Two{tag}.")):
        tally = Tally()
        assert rows(format_, one, tally, **policy) == []
        reason = f"the text contains the step tag {tag}"
        assert tally.left_out == {f"ratings: {reason}": 1, f"solutions: {reason}": 1}
    tally = Tally()
    assert len(rows(format_, record("What?", "Two.", "Three.", alternative=f"A {tag}"), tally, **policy)) == 1
    assert tally.left_out == {f"ratings: the text contains the step tag {tag}": 1}


def test_a_chat_holds_any_text() -> None:
    (row,) = rows("rlhflow-prm", record("ки <extra_0>", "+", "-"))
    assert [message["content"] for message in row["messages"]] == ["ки <extra_0> +", "+", "-", "+"]


TEXTS = st.text(min_size=1, max_size=12).filter(str.strip) | st.sampled_from(
    ["<extra_", "0>", "<extra_0>", "<", "ки", "к", "и"]
)


@given(statement=TEXTS, steps=st.lists(TEXTS, min_size=1, max_size=4))
def test_whatever_the_text_each_mark_has_its_label_and_each_step_comes_back(statement: str, steps: list[str]) -> None:
    one = record(statement, *steps)
    for row in rows("openrlhf-prm", one):
        assert row["input"].count("ки") == len(row["label"]) == len(steps)
    for row in rows("qwen-prm", one):
        answer = row["messages"][-1]["content"]
        assert answer.split("<extra_0>") == [*steps, ""]
        assert len(row["step_labels"]) == len(steps)
        assert "<extra_0>" not in row["messages"][0]["content"]
    (row,) = rows("rlhflow-prm", one)
    assert len(row["messages"]) == 2 * len(steps)
    assert {message["content"] for message in row["messages"][1::2]} == {"+"}
