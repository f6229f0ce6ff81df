"""What the preview of a file suggests: paths, questions of labeling tools, and what they probably are."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from apps.corpus.imports.columns import choices_of, columns_of, guessed_mapping, guessed_questions, questions_of
from apps.corpus.imports.preview import guessed_options, preview, sample_of
from apps.corpus.imports.readers.row_paths import parsed_path, value_at
from apps.corpus.imports.readers.tools.answers import Answer
from tests.corpus.rows import VALID
from tests.corpus.test_labeling_tools import FLAT, choice, task


@pytest.mark.parametrize(
    ("row", "mapping"),
    [
        (
            {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}], "answer": "2"},
            {
                "problem.statement": "messages[0].content",
                "solution.text": "messages[-1].content",
                "problem.reference_answer": "answer",
            },
        ),
        (
            {"conversations": [{"from": role, "value": role} for role in ("system", "human", "gpt")]},
            {"problem.statement": "conversations[1].value", "solution.text": "conversations[-1].value"},
        ),
        (
            {"meta": {"question": "?"}, "generations": ["a", "b"]},
            {"problem.statement": "meta.question", "solution.text": "generations[each]"},
        ),
    ],
)
def test_usual_names_and_chats_are_guessed(row: dict[str, Any], mapping: dict[str, str]) -> None:
    assert guessed_mapping(columns_of([row])) == mapping


def test_every_path_is_offered_with_an_example_where_it_serves() -> None:
    columns = columns_of([{"a": {"b": 1}, "list": [{"x y": "1"}, {"x y": "2"}], "p.q": None}, {"p.q": 5}])
    assert {column.path: column.example for column in columns} == {
        "a.b": "1",
        "list": "[{'x y': '1'}, {'x y': '2'}]",
        "list[0].x y": "1",
        "list[1].x y": "2",
        "list[-1].x y": "2",
        "list[*].x y": "['1', '2']",
        "list[each].x y": "1",
        "p.q": "5",
    }
    of_problems = [column.path for column in columns if column.serves("problem.statement")]
    assert of_problems == ["a.b", "list", "list[0].x y", "list[1].x y", "list[-1].x y", "p.q"]
    assert [column.path for column in columns if column.serves("solution.text")][-2:] == ["list[each].x y", "p.q"]


@pytest.mark.parametrize("name", ["No.", "a..b", ".x", "p.q", "1. Question", "x [%]", "q[0]", 'say "hi"', "a]", "#"])
def test_every_path_that_is_offered_can_be_read(name: str) -> None:
    """Spreadsheets have columns such as `No.`"""
    for row in ({name: "v"}, {"within": {name: "v"}}):
        (column,) = columns_of([row])
        parsed_path(column.path)
        assert value_at(row, column.path) == "v"


def test_paths_of_a_hostile_row_are_found_in_bounded_time(tmp_path: Path) -> None:
    inner = [{f"k{number}": [{f"i{place}": "x" * 50 for place in range(20)}] * 3 for number in range(20)}] * 5
    path = tmp_path / "rows.jsonl"
    deep: Any = "end"
    for _ in range(300):
        deep = {"d": [deep]}
    path.write_text(json.dumps({"problem": "?", "inner": inner, "deep": deep}) + "\n")
    started = time.process_time()
    sample = sample_of(path)
    assert time.process_time() - started < 5
    assert len(sample.columns) == 100


def test_questions_of_steps_are_one_question_and_their_choices_have_meanings() -> None:
    answers = [
        Answer("rate_0", "", ["Good"]),
        Answer("rate_1", "", ["Half"]),
        Answer("step 1 ok", "", ["bad"]),
        Answer("step 2 ok", "", ["bad"]),
        Answer("better", "", ["left"]),
        Answer("first error", "", [3]),
        Answer("why", "", ["x" * 61]),
    ]
    questions = questions_of(answers)
    assert [question.name for question in questions] == [
        "rate_{{idx}}",
        "step {{idx+1}} ok",
        "better",
        "first error",
        "why",
    ]
    assert guessed_questions(questions) == {
        "ratings": "rate_{{idx}}",
        "preference": "better",
        "first_error": "first error",
    }
    assert choices_of(questions) == ["Good", "Half", "bad", "left"]


@pytest.mark.parametrize(
    ("format_", "rows"),
    [
        ("label-studio", [VALID["label-studio"]]),
        ("label-studio", [task(choice("step1", "good"), choice("step2", "bad"))]),
        ("argilla", [VALID["argilla"]]),
        ("argilla", [FLAT | {"step_1.responses": ["good"] * 3, "step_1.responses.users": ["a", "b", "c"]}]),
    ],
)
def test_the_export_of_a_tool_is_read_as_it_is_guessed(tmp_path: Path, format_: str, rows: list[Any]) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(rows))
    sample = sample_of(path)
    assert sample.detected == format_
    shown = preview(sample, options=guessed_options(sample, format_))
    assert shown.errors == []
    (record,) = shown.records
    assert [mark.word for step in record.steps for mark in step.marks if mark.source != "critic-7b"][:2] != []
