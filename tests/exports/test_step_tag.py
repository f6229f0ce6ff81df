"""Marks within the text: a row whose own text holds one is refused and counted, never torn."""

from __future__ import annotations

from typing import Any

import pytest

from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.corpus.records import PersonRecord, ProblemRecord, Record, SolutionRecord, StepRating, StepRecord
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally


def record(statement: str, *texts: str, alternative: str = "") -> Record:
    steps = [StepRecord(position=place, text=text) for place, text in enumerate(texts)]
    said = [StepRating(position=place, rating=1) for place in range(len(texts))]
    if alternative:
        steps.append(StepRecord(position=len(texts) - 1, candidate=1, text=alternative, chosen=False))
        said.append(StepRating(position=len(texts) - 1, candidate=1, rating=-1))
    return Record(
        problem=ProblemRecord(statement=statement),
        solution=SolutionRecord(steps=steps),
        people=[PersonRecord(labeler="a", steps=said)],
    )


def rows(one: Record, tally: Tally | None = None, **policy: Any) -> list[dict[str, Any]]:
    return list(FORMATS["math-shepherd"].rows(one, LabelPolicy.from_dict(policy), tally or Tally()))


@pytest.mark.parametrize(
    "one",
    [
        record("Каковы скидки?", "Две.", "Три."),
        record("What?", "Общая сумма скидки равна 5.", "Три."),
        record("What?", "Две.", "ки"),
    ],
)
def test_a_row_whose_text_holds_the_tag_is_refused_and_counted(one: Record) -> None:
    tally = Tally()
    assert rows(one, tally) == []
    assert tally.left_out == {
        "ratings: the text contains the step tag ки": 2,
        "solutions: the text contains the step tag ки": 1,
    }
    assert tally.ratings() == {"read": 2, "written": 0, "left_out": 2, "repeated": 0, "made": 0}
    (row,) = rows(one, step_tag="<step>")
    assert row["input"].count("<step>") == 2
    assert row["input"].replace("<step>", "+") == row["label"]
    assert "скид" not in row["input"] or "скидки" in row["input"]


def test_one_alternative_with_the_tag_does_not_take_the_others_with_it() -> None:
    tally = Tally()
    (row,) = rows(record("What?", "Two.", "Three.", alternative="скидки"), tally)
    assert row["label"] == "What? Step 1: Two. +\nStep 2: Three. +"
    assert tally.left_out == {"ratings: the text contains the step tag ки": 1}


def test_a_problem_that_holds_the_mark_of_the_first_step_is_refused() -> None:
    tally = Tally()
    assert rows(record("Explain Step 1: of this.", "Two."), tally) == []
    assert tally.left_out["solutions: the problem contains a mark such as “Step 1:”"] == 1


def test_the_first_step_is_always_numbered_one() -> None:
    """Readers look for `Step 1:`; a solution cut out of another may begin with a later number."""
    assert rows(record("What?", "Step 3: Two.", "Step 4: Three."))[0]["input"] == (
        "What? Step 1: Step 3: Two. ки\nStep 4: Three. ки"
    )
    assert rows(record("What?", "step 1: Two."))[0]["input"] == "What? step 1: Two. ки"


@pytest.mark.parametrize("tag", ["", " ", "a b", "\n\n", "+", "-", "Step", "1", ":", "x" * 51, "\x00"])
def test_a_tag_that_cannot_be_one_is_refused_by_name(tag: str) -> None:
    with pytest.raises(PolicyError) as refused:
        LabelPolicy.from_dict({"step_tag": tag})
    assert refused.value.key == "step_tag"


@pytest.mark.parametrize("word", ["скидки", "Скидки,", "кино", "(щенки)"])
def test_the_reader_takes_no_tag_out_of_a_word(word: str) -> None:
    text = f"What? Step 1: {word} ки\nStep 2: Two. ки"
    label = f"What? Step 1: {word} +\nStep 2: Two. -"
    (one,) = READERS["math-shepherd"].read({"input": text, "label": label, "task": "x"}, ReaderOptions())
    assert one.solution is not None
    assert [step.text for step in one.solution.steps] == [f"Step 1: {word}", "Step 2: Two."]
    assert [count.hard for count in one.estimates[0].steps] == [True, False]
