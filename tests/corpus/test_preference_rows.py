"""Pairs of a chosen and a rejected answer, in every shape in which they are published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.corpus.readers import READERS, ReaderOptions
from apps.corpus.records import ComparisonRecord, Record, RowError, SolutionRecord
from tests.corpus.rows import VALID

ASKED = {"role": "user", "content": "What is 1 + 1?"}
RIGHT, WRONG = {"role": "assistant", "content": "It is 2."}, {"role": "assistant", "content": "It is 3."}


def read(row: dict[str, Any], **options: Any) -> Record:
    (record,) = READERS["preference"].read(row, ReaderOptions(**options))
    return record


def sides(record: Record) -> tuple[SolutionRecord, SolutionRecord]:
    assert isinstance(record.comparison, ComparisonRecord)
    return record.comparison.sides()


def texts(record: Record) -> list[list[str]]:
    return [[step.text for step in side.steps] for side in sides(record)]


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "What is 1 + 1?", "chosen": "It is 2.", "rejected": "It is 3."},
        {"prompt": [ASKED], "chosen": [RIGHT], "rejected": [WRONG]},
        {"chosen": [ASKED, RIGHT], "rejected": [ASKED, WRONG]},
        {"prompt": "What is 1 + 1?", "chosen": [ASKED, RIGHT], "rejected": [ASKED, WRONG]},
        {"prompt": "What is 1 + 1?", "chosen": [RIGHT], "rejected": [WRONG]},
        {"prompt": [ASKED], "chosen": "It is 2.", "rejected": "It is 3."},
        {
            "chosen": "\n\nHuman: What is 1 + 1?\n\nAssistant: It is 2.",
            "rejected": "\n\nHuman: What is 1 + 1?\n\nAssistant: It is 3.",
        },
        {
            "conversations": [{"from": "human", "value": "What is 1 + 1?"}],
            "chosen": {"from": "gpt", "value": "It is 2."},
            "rejected": {"from": "gpt", "value": "It is 3."},
        },
    ],
)
def test_one_pair_in_every_shape(row: dict[str, Any]) -> None:
    record = read(row)
    assert READERS["preference"].looks_like(row)
    assert (record.problem.statement, record.ignored) == ("What is 1 + 1?", [])
    assert texts(record) == [["It is 2."], ["It is 3."]]
    (person,) = record.people
    assert (person.labeler, person.protocol) == ("preference", "comparison")
    assert person.preference is not None
    assert person.preference.choice == "left"


def test_an_implicit_prompt_ends_before_a_word_that_differs() -> None:
    record = read({"chosen": "The sky is blue.", "rejected": "The sky is black."})
    assert record.problem.statement == "The sky is"
    assert [side.extras for side in sides(record)] == [{"text": " blue."}, {"text": " black."}]


def test_a_dialogue_becomes_a_transcript_and_keeps_its_messages() -> None:
    before = "\n\nHuman: Hello\n\nAssistant: Hi.\n\nHuman: Tell a joke\n\nAssistant:"
    record = read({"chosen": f"{before} Why?", "rejected": f"{before} No.\n\nHuman: Oh."})
    assert record.problem.statement == "Human: Hello\n\nAssistant: Hi.\n\nHuman: Tell a joke"
    assert record.problem.extras["messages"] == [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."},
        {"role": "user", "content": "Tell a joke"},
    ]
    assert texts(record)[1] == ["No.", "Human: Oh."]


def test_a_system_turn_is_part_of_what_is_asked() -> None:
    row = {
        "conversations": [{"from": "system", "value": "Be kind."}, {"from": "human", "value": "Hi"}],
        "chosen": {"value": "Hello!"},
        "rejected": {"value": "What?"},
    }
    assert read(row).problem.statement == "System: Be kind.\n\nHuman: Hi"


@pytest.mark.parametrize(
    ("given", "scale", "margin", "kept"),
    [
        (3, "large", "significantly", {}),
        (2.0, "large", "clearly", {}),
        (0, "large", "negligibly", {}),
        (1, "large", "slightly", {}),
        (1, "small", "significantly", {}),
        (0.6667, "small", "clearly", {}),
        (0.6667, "large", "", {"margin": 0.6667}),
        ("slightly", "large", "slightly", {}),
        (None, "large", "", {}),
    ],
)
def test_margins_on_either_scale_of_llama_2(given: Any, scale: str, margin: str, kept: dict[str, float]) -> None:
    (person,) = read(VALID["preference"] | {"margin": given}, margins=scale).people
    assert person.preference is not None
    assert (person.preference.margin, person.extras) == (margin, kept)


def test_answers_are_split_as_asked_and_keep_their_text() -> None:
    row = {"prompt": "What?", "chosen": "One.\n\nTwo.\n", "rejected": "Three."}
    assert texts(read(row, split="blank_line")) == [["One.", "Two."], ["Three."]]
    assert [side.extras for side in sides(read(row))] == [{"text": "One.\n\nTwo.\n"}, {}]


@pytest.mark.parametrize(
    ("row", "field"),
    [
        ({"chosen": "Blue.", "rejected": "Green."}, "prompt"),
        ({"prompt": "What?", "chosen": "Blue.", "rejected": " Blue. "}, "rejected"),
        ({"prompt": "What?", "chosen": "  ", "rejected": "Blue."}, "chosen"),
        ({"prompt": "What?", "chosen": "Blue.", "rejected": None}, "rejected"),
        ({"prompt": [], "chosen": "Blue.", "rejected": "Green."}, "prompt"),
        ({"prompt": [ASKED], "chosen": [{"role": "assistant"}], "rejected": [WRONG]}, "chosen[0].content"),
        ({"chosen": [ASKED], "rejected": [ASKED, WRONG]}, "chosen"),
        ({"conversations": [], "chosen": {"value": "a"}, "rejected": {"value": "b"}}, "conversations"),
        ({"conversations": [{"from": "human", "value": "a"}], "chosen": "a", "rejected": {"value": "b"}}, "chosen"),
        ({"chosen": "\n\nHuman: a\n\nAssistant: b", "rejected": "\n\nHuman: c\n\nAssistant: d"}, "rejected"),
        ({"prompt": "What?", "chosen": "Blue.", "rejected": "Green.", "margin": "much"}, "margin"),
        ({"prompt": "What?", "chosen": "Blue.", "rejected": "Green.", "margin": True}, "margin"),
    ],
)
def test_a_row_that_is_no_pair_names_the_field(row: dict[str, Any], field: str) -> None:
    with pytest.raises(RowError) as error:
        read(row)
    assert error.value.field == field


@pytest.mark.parametrize(("name", "count"), [("hh_rlhf", 9), ("preference_pairs", 60)])
def test_published_rows_are_read_without_loss(shared_data: Path, name: str, count: int) -> None:
    rows = [json.loads(line) for line in (shared_data / f"{name}.jsonl").read_text().splitlines()]
    records = [read(row) for row in rows]
    assert len(records) == count
    for row, record in zip(rows, records, strict=True):
        for side, solution in zip(("chosen", "rejected"), sides(record), strict=True):
            whole = solution.extras.get("text") or solution.separator.join(step.text for step in solution.steps)
            source = row[side] if isinstance(row[side], str) else row[side]["value"]
            assert source.rstrip().endswith(whole.rstrip())


# --- our own row ------------------------------------------------------------------------------------------

COMPARED: dict[str, Any] = {
    "problem": {"statement": "What?"},
    "comparison": {
        "left": {"steps": [{"position": 0, "text": "One."}, {"position": 1, "text": "Two."}], "source": "a"},
        "right": {"steps": [{"position": 0, "text": "One."}, {"position": 1, "text": "Three."}], "source": "b"},
    },
    "people": [{"labeler": "one", "preference": {"choice": "right", "margin": "clearly", "rationale": "Shorter."}}],
}
TWO_STEPS: dict[str, Any] = {
    "problem": {"statement": "What?"},
    "comparison": {
        "left": {
            "steps": [{"position": 0, "text": "One."}, {"position": 0, "candidate": 1, "text": "Uno.", "chosen": False}]
        },
        "left_step": {"position": 0, "candidate": 0},
        "right_step": {"position": 0, "candidate": 1},
    },
}


def ours(row: dict[str, Any]) -> Record:
    (record,) = READERS["jsonl"].read(row, ReaderOptions())
    return record


def test_our_own_row_holds_a_comparison_and_who_prefers_what() -> None:
    record = ours(COMPARED)
    assert record.solution is None
    assert [side.source for side in sides(record)] == ["a", "b"]
    said = record.people[0].preference
    assert said is not None
    assert (said.choice, said.margin, said.rationale) == ("right", "clearly", "Shorter.")


def test_our_own_row_compares_two_candidates_for_a_step() -> None:
    compared = ours(TWO_STEPS).comparison
    assert compared is not None
    assert (compared.right, compared.left_step, compared.right_step) == (None, (0, 0), (0, 1))


def replaced(row: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    changed = json.loads(json.dumps(row))
    *parents, last = path.split(".")
    place = changed
    for name in parents:
        place = place[int(name)] if name.isdecimal() else place[name]
    place[last] = value
    return changed


@pytest.mark.parametrize(
    ("row", "path", "value", "field"),
    [
        (COMPARED, "solution", {"steps": ["One."]}, "comparison"),
        (COMPARED, "comparison.right", COMPARED["comparison"]["left"], "comparison.right"),
        (COMPARED, "comparison.right", None, "comparison.right"),
        (COMPARED, "comparison.left_step", {"position": 0}, "comparison.right_step"),
        (COMPARED, "people.0.preference.choice", "both", "people[0].preference.choice"),
        (COMPARED, "people.0.preference.margin", "much", "people[0].preference.margin"),
        (COMPARED, "people.0.preference.choice", "tie", "people[0].preference.margin"),
        (TWO_STEPS, "comparison.right_step.candidate", 2, "comparison.right_step.position"),
        (TWO_STEPS, "comparison.right_step.candidate", 0, "comparison.right"),
        (VALID["jsonl"], "people.0.preference", {"choice": "left"}, "people[0].preference"),
    ],
)
def test_a_wrong_part_of_a_comparison_is_named(row: dict[str, Any], path: str, value: object, field: str) -> None:
    with pytest.raises(RowError) as error:
        ours(replaced(row, path, value))
    assert error.value.field == field
