"""Paths of a mapping: chat messages, lists of objects, several solutions in a row."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.imports.readers import READERS, options_for
from apps.corpus.imports.readers.row_paths import MISSING, parsed_path, unread_parts, value_at
from apps.corpus.records import Record, RowError
from tests.examples import examples

ROW: dict[str, Any] = {
    "messages": [
        {"role": "system", "content": "Be short."},
        {"role": "user", "content": "What is 1 + 1?"},
        {"role": "assistant", "content": "We add.\n2"},
    ],
    "meta": {"answer": "2", "tags": ["easy"], "a.b": 3},
    "x.y": 5,
    "generations": ["One.\n2", "Two.\n3"],
    "correct": [True, False],
    "drafts": [{"steps": [{"text": "a"}, {"text": "b"}]}, {"steps": [{"text": "c"}]}],
    "none": None,
}


def mapped(row: dict[str, Any], **mapping: str) -> list[Record]:
    """Targets are written with `__` for the dot."""
    options = {"mapping": {target.replace("__", "."): path for target, path in mapping.items()}}
    return list(READERS["jsonl"].read(row, options_for(READERS["jsonl"], options)))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("messages[-1].content", "We add.\n2"),
        ("messages[1].content", "What is 1 + 1?"),
        ("messages[*].role", ["system", "user", "assistant"]),
        ("meta.answer", "2"),
        ("meta.tags[0]", "easy"),
        ('meta["a.b"]', 3),
        ('["meta"].answer', "2"),
        ("x.y", 5),
        ("drafts[*].steps[*].text", [["a", "b"], ["c"]]),
        ("drafts[0].steps[*].text", ["a", "b"]),
        ("messages[*].name", MISSING),
        ("messages[3].content", MISSING),
        ("messages[-4].content", MISSING),
        ("meta.nothing.at.all", MISSING),
        ("none.at", MISSING),
        ("none", None),
    ],
)
def test_a_path_leads_to_its_value(path: str, value: Any) -> None:
    assert value_at(ROW, path) == value


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("messages[-1", "cannot be read from '[-1' on"),
        ("messages[last].content", "cannot be read from '[last].content'"),
        ("messages.", "cannot be read from '.' on"),
        (".messages", "cannot be read"),
        ("a..b", "cannot be read from '..b'"),
        ("[0].a", "does not begin with the name of a column"),
        ("a[0]b", "cannot be read from 'b'"),
        ('a["\\q"]', "not a JSON text"),
        ("a[each].b[each]", "[each] twice"),
        ("a" * 501, "at most 500 characters"),
        (".".join("a" * 21), "21 parts"),
    ],
)
def test_a_path_that_is_none_says_where_it_is_wrong(path: str, reason: str) -> None:
    with pytest.raises(RowError) as raised:
        options_for(READERS["jsonl"], {"mapping": {"problem.statement": path}})
    assert raised.value.field == "mapping"
    assert reason in raised.value.reason


def test_a_path_through_something_else_than_a_list_is_an_error_of_the_row() -> None:
    with pytest.raises(RowError, match=r"meta\.answer: expected a list, found the text '2'"):
        mapped(ROW, problem__statement="meta.answer[0]")


def test_messages_become_a_problem_and_its_solution() -> None:
    (record,) = mapped(
        ROW,
        problem__statement="messages[1].content",
        solution__text="messages[-1].content",
        problem__reference_answer="meta.answer",
    )
    assert record.problem.statement == "What is 1 + 1?"
    assert record.solution is not None
    assert [step.text for step in record.solution.steps] == ["We add.", "2"]
    assert record.ignored == [
        "messages[]",
        "messages[].role",
        "meta.tags",
        "meta.a.b",
        "x.y",
        "generations",
        "correct",
        "drafts",
    ]


def test_each_item_of_a_list_is_a_solution_of_its_own() -> None:
    first, second = mapped(
        ROW,
        problem__statement="messages[1].content",
        solution__text="generations[each]",
        solution__is_correct="correct[each]",
        solution__source="x.y",
    )
    assert first.solution is not None
    assert second.solution is not None
    assert [step.text for step in second.solution.steps] == ["Two.", "3"]
    assert (first.solution.is_correct, second.solution.is_correct, second.solution.source) == (True, False, "5")


def test_the_steps_of_each_solution_may_be_objects_in_a_list() -> None:
    records = mapped(ROW, problem__statement="messages[1].content", solution__steps="drafts[each].steps[*].text")
    texts = [[step.text for step in record.solution.steps] for record in records if record.solution]
    assert texts == [["a", "b"], ["c"]]


@pytest.mark.parametrize(
    ("row", "mapping", "reason"),
    [
        (
            {"p": "?", "a": ["1", "2"], "b": [True]},
            {"solution__text": "a[each]", "solution__is_correct": "b[each]"},
            "1",
        ),
        ({"p": "?", "a": "1"}, {"solution__text": "a[each]"}, "expected a list before [each], found the text '1'"),
    ],
)
def test_lists_that_do_not_belong_together_are_an_error(
    row: dict[str, Any], mapping: dict[str, str], reason: str
) -> None:
    with pytest.raises(RowError) as raised:
        mapped(row, problem__statement="p", **mapping)
    assert reason in raised.value.reason


@pytest.mark.parametrize("solutions", [[], None])
def test_a_row_without_solutions_is_its_problem(solutions: Any) -> None:
    (record,) = mapped({"p": "?", "a": solutions}, problem__statement="p", solution__text="a[each]")
    assert record.solution is None
    assert "a[each] (missing; mapped to solution.text)" in record.ignored


def test_each_is_refused_where_it_cannot_be_a_solution() -> None:
    for format_, target in (
        ("jsonl", "problem.statement"),
        ("preference", "prompt"),
        ("label-studio", "solution.text"),
    ):
        mapping = {"problem.statement": "p"} if format_ == "label-studio" else {}
        with pytest.raises(RowError, match="each"):
            options_for(READERS[format_], {"mapping": {**mapping, target: "a[each]"}})


def test_a_list_and_numbers_may_be_the_text_of_a_cell() -> None:
    row = {"p": "?", "s": '["a", "b"]', "first": "1", "scores": "[0.5, 0.25]", "v": "0.75"}
    (record,) = mapped(
        row,
        problem__statement="p",
        solution__steps="s",
        first_error="first",
        step_scores="scores",
        solution__verifier_score="v",
    )
    assert record.solution is not None
    assert [step.text for step in record.solution.steps] == ["a", "b"]
    assert record.solution.verifier_score == 0.75
    assert [(gold.position, gold.rating) for gold in record.gold] == [(0, 1), (1, -1)]
    assert [step.score for step in record.scores[0].steps] == [0.5, 0.25]


def test_a_text_that_only_looks_like_a_list_stays_a_text() -> None:
    (record,) = mapped({"p": "[1, 2] is what?", "a": "[1, 2]"}, problem__statement="p", problem__reference_answer="a")
    assert (record.problem.statement, record.problem.reference_answer) == ("[1, 2] is what?", "[1, 2]")


NAMES = st.text(alphabet='ab.[]"\\ü ', min_size=1, max_size=4)


@examples(200)
@given(names=st.lists(NAMES, min_size=1, max_size=4))
def test_every_name_can_be_written_as_a_path(names: list[str]) -> None:
    path = "".join(f"[{json.dumps(name, ensure_ascii=False)}]" for name in names)
    assert parsed_path(path) == tuple(names)
    row: dict[str, Any] = {names[-1]: 1}
    for name in reversed(names[:-1]):
        row = {name: row}
    assert value_at(row, path) == 1
    assert unread_parts(row, [path]) == []


@examples(200)
@given(path=st.text(alphabet='ab.[]*"0-', max_size=12))
def test_any_text_is_a_path_or_an_error(path: str) -> None:
    with suppress(RowError):
        parsed_path(path)
        value_at({"a": 1}, path)
