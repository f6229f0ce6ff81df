"""Right solutions for supervised training."""

from __future__ import annotations

from typing import Any

import pytest

from apps.corpus.records import ProblemRecord, Record, SolutionRecord, StepRecord
from apps.exports.policy import PolicyError
from apps.exports.tally import Tally
from tests.exports.golden_rows import SUM, exported, gold, person, solution


def attempt(*texts: str, is_correct: bool | None = True, **fields: Any) -> Record:
    return Record(problem=fields.pop("problem", SUM), solution=solution(*texts, is_correct=is_correct), **fields)


def test_a_row_is_the_whole_solution() -> None:
    assert exported("sft", [attempt("One.", "Two.")]) == [{"prompt": f"{SUM.statement}\n", "completion": "One.\nTwo."}]
    (row,) = exported("sft", [attempt("One.")], prompts="conversational")
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (attempt("One.", is_correct=False), "the final answer is wrong"),
        (attempt("One.", is_correct=None), "it is unknown whether the answer is right"),
        (attempt(" "), "an empty completion"),
        (attempt("One.", "Two.", gold=gold(1, -1)), "a step is known to be bad"),
        (attempt("One.", "Two.", people=[person("a", 1, -1)]), "a step is known to be bad"),
        (
            attempt(
                "One.", problem=ProblemRecord(statement="x", extras={"messages": [{"role": "sage", "content": "x"}]})
            ),
            "the dialogue has the role 'sage', which chat templates do not have",
        ),
    ],
)
def test_other_solutions_are_left_out_for_their_reason(record: Record, reason: str) -> None:
    tally = Tally()
    assert exported("sft", [record], tally) == []
    assert tally.left_out == {f"solutions: {reason}": 1}


def test_the_first_source_that_labels_decides_whether_a_step_is_bad() -> None:
    record = attempt("One.", "Two.", gold=gold(1, 1), people=[person("a", -1)])
    assert len(exported("sft", [record])) == 1
    assert exported("sft", [record], sources=["human"]) == []


def test_of_several_people_one_who_finds_an_error_is_enough_where_each_counts() -> None:
    record = attempt("One.", people=[person("a", 1), person("b", -1)])
    assert exported("sft", [record], people="each") == []


def test_steps_that_people_wrote_are_part_of_the_solution() -> None:
    steps = [StepRecord(position=0, text="One."), StepRecord(position=1, text="By hand.", origin="human")]
    record = Record(problem=SUM, solution=SolutionRecord(steps=steps, is_correct=True))
    (row,) = exported("sft", [record])
    assert row["completion"] == "One.\nBy hand."


def test_a_policy_of_wrong_answers_is_refused() -> None:
    with pytest.raises(PolicyError, match="answers: must be all or right"):
        exported("sft", [], answers="wrong")
