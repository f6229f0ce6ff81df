"""Pairs of a chosen and a rejected answer, in every published shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from apps.corpus.imports.readers import READERS, ReaderOptions, options_for
from apps.corpus.records import ComparisonRecord, Record, RowError, SolutionRecord, StepPlace
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


def test_a_system_turn_is_part_of_the_prompt() -> None:
    row = {
        "conversations": [{"from": "system", "value": "Be kind."}, {"from": "human", "value": "Hi"}],
        "chosen": {"value": "Hello!"},
        "rejected": {"value": "What?"},
    }
    assert read(row).problem.statement == "System: Be kind.\n\nHuman: Hi"


@pytest.mark.parametrize(
    ("asked", "statement"),
    [
        ({"instruction": "What is 1 + 1?"}, "What is 1 + 1?"),
        ({"instruction": "What is 1 + 1?", "input": ""}, "What is 1 + 1?"),
        ({"instruction": "Add the two numbers.", "input": "4, 5"}, "Add the two numbers.\n4, 5"),
        ({"instruction": "Add the two numbers.", "query": "4, 5"}, "Add the two numbers.\n4, 5"),
        ({"instruction": "", "input": "4 + 5?"}, "4 + 5?"),
        ({"query": "4 + 5?"}, "4 + 5?"),
        ({"question": "4 + 5?", "input": "4 + 5?"}, "4 + 5?"),
        ({"problem": ["4 + 5?"]}, "4 + 5?"),
        ({"prompt": "\n\nHuman: 4 + 5?\n\nAssistant:"}, "4 + 5?"),
        ({"prompt": "### Human: 4 + 5?\n### Assistant:"}, "4 + 5?"),
        ({"prompt": "USER: 4 + 5?\nASSISTANT:"}, "4 + 5?"),
        ({"prompt": "User: 4 + 5?"}, "4 + 5?"),
        ({"prompt": [{"role": "Human", "content": "4 + 5?"}]}, "4 + 5?"),
        ({"prompt": [{"from": "prompter", "value": "4 + 5?"}]}, "4 + 5?"),
        ({"prompt": [{"role": "user", "content": [{"type": "text", "text": "4 + 5?"}]}]}, "4 + 5?"),
        ({"context": [{"role": "user", "content": "4 + 5?"}]}, "4 + 5?"),
        ({"prompt": "4 + 5?", "system": "Be kind."}, "System: Be kind.\n\nHuman: 4 + 5?"),
        ({"instruction": "And 6?", "history": [["4 + 5?", "9."]]}, "Human: 4 + 5?\n\nAssistant: 9.\n\nHuman: And 6?"),
    ],
)
def test_the_prompt_under_its_many_names(asked: dict[str, Any], statement: str) -> None:
    record = read({**asked, "chosen": "The sum is 9.", "rejected": "The sum is 8."})
    assert (record.problem.statement, record.ignored) == (statement, [])


def test_a_mapping_names_the_prompt_and_the_answers() -> None:
    mapping = {"prompt": "q.text", "chosen": "good", "rejected": "bad", "system": "persona"}
    record = read({"q": {"text": "4 + 5?"}, "good": "9.", "bad": "8.", "note": "x"}, mapping=mapping)
    assert (record.problem.statement, texts(record)) == ("4 + 5?", [["9."], ["8."]])
    assert record.ignored == ["persona (missing; mapped to system)", "note"]


@pytest.mark.parametrize(
    ("human", "bot"),
    [
        ("Human", "Assistant"),
        ("human", "gpt"),
        ("USER", "bot"),
        ("user", "model"),
        ("<|user|>", "AI"),
        ("User:", "chatgpt"),
    ],
)
def test_role_names_of_other_tools_become_those_of_chat_templates(human: str, bot: str) -> None:
    before = [{"role": human, "content": "Hi"}, {"role": bot, "content": "Yes?"}, {"role": human, "content": "4 + 5?"}]
    sides_ = {name: [*before, {"role": bot, "content": text}] for name, text in (("chosen", "9."), ("rejected", "8."))}
    record = read(sides_)
    assert [one["role"] for one in record.problem.extras["messages"]] == ["user", "assistant", "user"]
    assert texts(record) == [["9."], ["8."]]


def test_a_line_that_looks_like_a_speaker_is_no_turn() -> None:
    record = read(
        {"prompt": "\n\nHuman: Write ads.\nAI: the future\n\nAssistant:", "chosen": "Yes.", "rejected": "No."}
    )
    assert record.problem.statement == "Write ads.\nAI: the future"


@pytest.mark.parametrize(
    ("row", "choice", "margin"),
    [
        ({"response1": "9.", "response2": "8.", "overall_preference": -3}, "left", "significantly"),
        ({"response1": "9.", "response2": "8.", "overall_preference": 2}, "right", "clearly"),
        ({"response1": "9.", "response2": "8.", "overall_preference": 0}, "tie", ""),
        ({"response_1": "9.", "response_2": "8.", "preference_strength": -1.0}, "left", "slightly"),
        ({"response_0": "9.", "response_1": "8.", "better_response_id": 1}, "right", ""),
        ({"response_0": "9.", "response_1": "8.", "better_response_id": 0}, "left", ""),
        ({"human_ref_A": "9.", "human_ref_B": "8.", "labels": 1}, "left", ""),
        ({"human_ref_A": "9.", "human_ref_B": "8.", "labels": 0}, "right", ""),
        ({"output_1": "9.", "output_2": "8.", "preference": 2}, "right", ""),
        ({"output_1": "9.", "output_2": "8.", "preference": "output_1"}, "left", ""),
        ({"response_a": "9.", "response_b": "8.", "winner": "model_b"}, "right", ""),
        ({"response_a": "9.", "response_b": "8.", "winner": "tie (bothbad)"}, "tie", ""),
        ({"answer_a": "9.", "answer_b": "8.", "preferred": "A"}, "left", ""),
    ],
)
def test_preferences_as_signed_numbers_indices_and_words(row: dict[str, Any], choice: str, margin: str) -> None:
    record = read({"history": "4 + 5?", **row})
    assert READERS["preference"].looks_like(row)
    assert (record.problem.statement, texts(record), record.ignored) == ("4 + 5?", [["9."], ["8."]], [])
    (person,) = record.people
    assert person.preference is not None
    assert (person.preference.choice, person.preference.margin) == (choice, margin)


def test_the_other_columns_of_pku_saferlhf_are_noted() -> None:
    row = {"prompt": "4 + 5?", "response_0": "9.", "response_1": "8.", "better_response_id": 0, "safer_response_id": 1}
    assert read(row).ignored == ["safer_response_id"]


STEP_DPO = {
    "prompt": "What is 7*6+5?",
    "initial_reason_steps": "Step 1: 7*6 = 42.\nStep 2:",
    "chosen": " 42+5 = 47.",
    "rejected": " 42+5 = 46.",
    "full_chosen": " 42+5 = 47.\nStep 3: The answer is 47.",
    "full_rejected": " 42+5 = 46.\nStep 3: The answer is 46.",
    "answer": "47",
    "dataset": "own",
}


def test_step_dpo_compares_two_next_steps_after_the_shared_ones() -> None:
    record = read(STEP_DPO)
    compared = record.comparison
    assert compared is not None
    assert (compared.left_step, compared.right_step) == (StepPlace(1, 0), StepPlace(1, 0))
    assert texts(record) == [
        ["Step 1: 7*6 = 42.", "Step 2: 42+5 = 47.", "Step 3: The answer is 47."],
        ["Step 1: 7*6 = 42.", "Step 2: 42+5 = 46.", "Step 3: The answer is 46."],
    ]
    assert (record.problem.reference_answer, record.ignored) == ("47", ["dataset"])


def test_step_dpo_without_whole_solutions_has_two_candidates() -> None:
    record = read({name: value for name, value in STEP_DPO.items() if not name.startswith("full_")})
    compared = record.comparison
    assert compared is not None
    assert (compared.right, compared.left_step, compared.right_step) == (None, StepPlace(1, 0), StepPlace(1, 1))
    assert [(step.text, step.chosen) for step in compared.left.steps] == [
        ("Step 1: 7*6 = 42.", True),
        ("Step 2: 42+5 = 47.", True),
        ("Step 2: 42+5 = 46.", False),
    ]


def test_step_dpo_at_the_first_step_shares_nothing() -> None:
    compared = read({**STEP_DPO, "initial_reason_steps": "Step 1:"}).comparison
    assert compared is not None
    assert compared.left_step == StepPlace(0, 0)
    assert compared.left.steps[0].text == "Step 1: 42+5 = 47."


@pytest.mark.parametrize("format_", ["preference", "kto"])
@pytest.mark.parametrize(
    ("row", "is_correct"),
    [
        ({"prompt": "4 + 5?", "completion": "9.", "label": True}, True),
        ({"prompt": [ASKED], "completion": [WRONG], "label": False}, False),
        ({"instruction": "4 + 5?", "input": "", "output": "8.", "kto_tag": False}, False),
        ({"messages": [ASKED, RIGHT], "label": 1}, True),
    ],
)
def test_rows_of_kto_are_solutions_that_are_right_or_not(format_: str, row: dict[str, Any], is_correct: bool) -> None:
    (record,) = READERS[format_].read(row, ReaderOptions())
    assert record.solution is not None
    assert (record.solution.is_correct, record.ignored) == (is_correct, [])
    assert "Human" not in record.problem.statement


@pytest.mark.parametrize("mapping", [{"promt": "a"}, {"problem.statement": "a"}])
def test_a_mapping_to_what_no_pair_has_is_refused(mapping: dict[str, str]) -> None:
    with pytest.raises(RowError) as error:
        options_for(READERS["preference"], {"mapping": mapping})
    assert error.value.field == "mapping"
    assert "prompt, instruction" in error.value.reason


@pytest.mark.parametrize(
    ("said", "margin", "ignored"),
    [
        ({"overall_preference": -2}, "slightly", ["margin"]),
        ({"preference_strength": 0}, 3, ["margin"]),
        ({"winner": "tie"}, "clearly", ["margin"]),
        ({"winner": "tie"}, "negligibly", []),
        ({"winner": "tie"}, None, []),
        ({"winner": "a"}, "clearly", []),
    ],
)
def test_a_margin_that_is_not_read_is_noted(said: dict[str, Any], margin: Any, ignored: list[str]) -> None:
    row = {"prompt": "What?", "response_a": "Blue.", "response_b": "Green.", "margin": margin} | said
    assert read(row).ignored == ignored


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
        ({"conversations": [], "chosen": {"value": "a"}, "rejected": {"value": "b"}}, "prompt"),
        ({"chosen": "The sky is blue.", "rejected": "The sky is green."}, "prompt"),
        ({"prompt": " ", "chosen": "The sky is blue.", "rejected": "The sky is green."}, "prompt"),
        ({"conversations": [{"from": "alien", "value": "a"}], "chosen": "a", "rejected": "b"}, "conversations[0].from"),
        ({"prompt": [{"role": "narrator", "content": "a"}], "chosen": "a", "rejected": "b"}, "prompt[0].role"),
        ({"instruction": "What?", "chosen": "Blue."}, "rejected"),
        ({"instruction": "What?", "output": ["Blue.", "Green."]}, "output"),
        ({"prompt": "What?", "answers": [{"answer": "Blue.", "rank": 1}]}, "answers"),
        ({"prompt": "What?", "response_a": "Blue.", "response_b": "Green."}, "overall_preference"),
        ({"prompt": "What?", "response_0": "a", "response_1": "b", "response_2": "c", "preference": 1}, "response_2"),
        ({"prompt": "What?", "response1": "a", "response2": "b", "overall_preference": 4}, "overall_preference"),
        ({"prompt": "What?", "response1": "a", "response2": "b", "overall_preference": 0.5}, "overall_preference"),
        ({"prompt": "What?", "response_1": "a", "response_2": "b", "preference": 0}, "preference"),
        ({"prompt": "What?", "response_a": "a", "response_b": "b", "preference": 1}, "preference"),
        ({"prompt": "What?", "response_0": "a", "response_1": "b", "better_response_id": True}, "better_response_id"),
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


def test_our_own_row_has_a_comparison_and_preferences() -> None:
    record = ours(COMPARED)
    assert record.solution is None
    assert [side.source for side in sides(record)] == ["a", "b"]
    said = record.people[0].preference
    assert said is not None
    assert (said.choice, said.margin, said.rationale) == ("right", "clearly", "Shorter.")


def test_our_own_row_compares_two_candidates_for_a_step() -> None:
    compared = ours(TWO_STEPS).comparison
    assert compared is not None
    assert (compared.right, compared.left_step, compared.right_step) == (None, StepPlace(0, 0), StepPlace(0, 1))


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
