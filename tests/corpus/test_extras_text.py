"""Extras of the canonical row come as an object, or as JSON in one text."""

from __future__ import annotations

from typing import Any

import pytest

from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.corpus.records import Record, RowError


def read(extras: Any, where: str = "problem") -> Record:
    row: dict[str, Any] = {
        "problem": {"statement": "What?"},
        "solution": {"steps": [{"position": 0, "text": "One."}]},
        "people": [{"labeler": "ada"}],
    }
    part = row["people"][0] if where == "people" else row[where]
    part["extras"] = extras
    (record,) = READERS["jsonl"].read(row, ReaderOptions())
    return record


@pytest.mark.parametrize("extras", [{"kind": 1}, '{"kind": 1}'])
def test_an_object_and_its_text_mean_the_same(extras: Any) -> None:
    assert read(extras).problem.extras == {"kind": 1}
    solution = read(extras, "solution").solution
    assert solution is not None
    assert solution.extras == {"kind": 1}
    assert read(extras, "people").people[0].extras == {"kind": 1}


def test_null_is_none() -> None:
    assert read(None).problem.extras == {}


@pytest.mark.parametrize(("where", "field"), [("problem", "problem.extras"), ("people", "people[0].extras")])
@pytest.mark.parametrize("text", ["not JSON", "[1]", '"text"', "{"])
def test_another_text_is_rejected_with_the_name_of_the_field(where: str, field: str, text: str) -> None:
    with pytest.raises(RowError) as rejected:
        read(text, where)
    assert rejected.value.field == field
