"""Exports of Label Studio and Argilla, in the forms in which these tools write them."""

from __future__ import annotations

from typing import Any

import pytest

from apps.corpus.imports.readers import READERS, detect, options_for
from apps.corpus.records import Record, RowError
from tests.corpus.rows import VALID

STUDIO = {"problem.statement": "data.problem", "solution.text": "data.solution"}
USER = "00000000-0000-0000-0000-00000000000"


def read(format_: str, row: dict[str, Any], **options: Any) -> Record:
    (record,) = READERS[format_].read(row, options_for(READERS[format_], options))
    return record


def result(name: str, kind: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "x", "from_name": name, "to_name": "text", "type": kind, "value": value, **more}


def task(*results: dict[str, Any], text: str = "We add.\nIt is 2.\nSo 3.", **annotation: Any) -> dict[str, Any]:
    given = {"id": 1, "completed_by": 7, "was_cancelled": False, "result": list(results), **annotation}
    return {"id": 5, "data": {"problem": "1 + 1?", "solution": text}, "annotations": [given], "predictions": []}


def ratings_of(record: Record) -> dict[int, int | None]:
    (person,) = record.people
    return {step.position: step.rating for step in person.steps}


def paragraphs(start: int, end: int, label: str, end_offset: int = 5) -> dict[str, Any]:
    """As Label Studio writes it: the numbers of paragraphs as texts."""
    place = {"start": str(start), "end": str(end), "startOffset": 0, "endOffset": end_offset}
    return result("span", "paragraphlabels", {**place, "paragraphlabels": [label]})


def choice(name: str, *choices: str, **more: Any) -> dict[str, Any]:
    return result(name, "choices", {"choices": list(choices)}, **more)


# --- Label Studio -----------------------------------------------------------------------------------------


def test_a_task_becomes_labels_of_its_labeler_and_verdicts_of_its_model() -> None:
    record = read("label-studio", VALID["label-studio"], mapping={**STUDIO, "ratings": "rate_{{idx}}"})
    (person,) = record.people
    assert (person.labeler, person.protocol, person.finish_reason) == ("label-studio-7", "first_error", "found_error")
    assert str(person.submitted_at) == "2026-01-02 03:04:05.678901+00:00"
    assert person.active_ms == 12_500
    assert ratings_of(record) == {0: 1, 1: -1}
    (judge,) = record.judges
    assert (judge.judge, [(step.position, step.rating) for step in judge.steps]) == ("critic-7b", [(1, -1)])
    assert record.ignored == ["id"]


@pytest.mark.parametrize(
    ("pattern", "results", "ratings"),
    [
        ("step{{idx+1}}_ok", [choice("step1_ok", "good")], {0: 1}),
        ("ok", [choice("ok", "bad", item_index=2)], {2: -1}),
        (
            "span",
            [
                result(
                    "span",
                    "paragraphlabels",
                    {"start": "0", "end": "1", "startOffset": 0, "endOffset": 9, "paragraphlabels": ["good"]},
                ),
                result(
                    "span",
                    "paragraphlabels",
                    {"start": "2", "end": "2", "startOffset": 0, "endOffset": 5, "paragraphlabels": ["bad"]},
                ),
            ],
            {0: 1, 1: 1, 2: -1},
        ),
        (
            "span",
            [
                result(
                    "span",
                    "paragraphlabels",
                    {"start": "0", "end": "1", "startOffset": 0, "endOffset": 0, "paragraphlabels": ["bad"]},
                )
            ],
            {0: -1},
        ),
        (
            "ok",
            [
                result(
                    "ok", "choices", {"start": "1", "end": "1", "startOffset": 0, "endOffset": 9, "choices": ["okay"]}
                )
            ],
            {1: 0},
        ),
        (
            "mark",
            [
                result("mark", "labels", {"start": 0, "end": 17, "text": "We add.\nIt is 2.\n", "labels": ["good"]}),
                result("mark", "labels", {"start": 14, "end": 16, "text": "2.", "labels": ["bad"]}),
            ],
            {0: 1, 1: -1},
        ),
        (
            "mark",
            [
                result(
                    "mark",
                    "hypertextlabels",
                    {
                        "start": "/text()[1]",
                        "end": "/text()[1]",
                        "startOffset": 8,
                        "endOffset": 16,
                        "globalOffsets": {"start": 8, "end": 16},
                        "text": "It is 2.",
                        "hypertextlabels": ["bad"],
                    },
                )
            ],
            {1: -1},
        ),
    ],
    ids=["numbered from 1", "item", "paragraphs", "up to a paragraph", "region of a paragraph", "spans", "hypertext"],
)
def test_a_result_is_about_the_step_that_it_names(
    pattern: str, results: list[dict[str, Any]], ratings: dict[int, int]
) -> None:
    record = read("label-studio", task(*results), mapping={**STUDIO, "ratings": pattern})
    assert ratings_of(record) == ratings


def test_spans_of_browsers_count_some_characters_twice() -> None:
    row = task(result("mark", "labels", {"start": 6, "end": 8, "text": "b.", "labels": ["bad"]}), text="𝑥𝑥.\nb.")
    assert ratings_of(read("label-studio", row, mapping={**STUDIO, "ratings": "mark"})) == {1: -1}


@pytest.mark.parametrize(
    ("target", "value", "ratings"),
    [
        ("first_error", result("error", "number", {"number": 1}), {0: 1, 1: -1}),
        ("first_error", result("error", "number", {"number": -1}), {0: 1, 1: 1, 2: 1}),
        ("error_steps", choice("error", "Step 2", "Step 3"), {0: 1, 1: -1}),
        ("error_steps", choice("error", "none"), {0: 1, 1: 1, 2: 1}),
        ("error_steps", result("error", "rating", {"rating": 1}), {0: -1}),
        ("error_steps", result("error", "textarea", {"text": ["3"]}), {0: 1, 1: 1, 2: -1}),
        ("first_error", choice("error", "-1"), {0: 1, 1: 1, 2: 1}),
        ("first_error", choice("error", "No error (\u22121)"), {0: 1, 1: 1, 2: 1}),
        ("first_error", choice("error", "step-1"), {0: 1, 1: -1}),
    ],
)
def test_a_first_error_may_be_a_number_or_a_choice(target: str, value: dict[str, Any], ratings: dict[int, int]) -> None:
    record = read("label-studio", task(value), mapping={**STUDIO, target: "error"})
    assert ratings_of(record) == ratings


@pytest.mark.parametrize("is_first", [True, False])
def test_ratings_and_a_first_error_agree_or_the_row_is_rejected(*, is_first: bool) -> None:
    """The ratings say more, in whichever order the tool writes the answers."""
    mapping = {**STUDIO, "ratings": "rate_{{idx}}", "first_error": "error"}

    def row(*ratings: str) -> dict[str, Any]:
        error = result("error", "number", {"number": 1})
        rated = [choice(f"rate_{place}", one) for place, one in enumerate(ratings)]
        return task(*([error, *rated] if is_first else [*rated, error]))

    assert ratings_of(read("label-studio", row("okay", "bad"), mapping=mapping)) == {0: 0, 1: -1}
    assert ratings_of(read("label-studio", row("okay"), mapping=mapping)) == {0: 0, 1: -1}
    with pytest.raises(RowError, match="contradicts the rating of step 1, counted from 0"):
        read("label-studio", row("okay", "great"), mapping=mapping)
    with pytest.raises(RowError, match="contradicts the rating of step 0, counted from 0"):
        read("label-studio", row("bad"), mapping=mapping)


@pytest.mark.parametrize("word", ["Yes", "no", "true", "False"])
def test_an_answer_to_an_unknown_question_is_no_rating(word: str) -> None:
    """The question may be whether the step is right, or whether it has an error."""
    mapping = {**STUDIO, "ratings": "has_error_{{idx}}"}
    with pytest.raises(RowError, match="has no meaning"):
        read("label-studio", task(choice("has_error_0", word)), mapping=mapping)
    record = read("label-studio", task(choice("has_error_0", word)), mapping=mapping, meanings={word: "bad"})
    assert ratings_of(record) == {0: -1}


def test_the_words_of_a_team_need_a_meaning() -> None:
    row = task(choice("r_0", "Partly"), result("r_1", "rating", {"rating": 1}))
    mapping = {**STUDIO, "ratings": "r_{{idx}}"}
    with pytest.raises(RowError) as raised:
        read("label-studio", row, mapping=mapping)
    assert raised.value.field == "annotations[0].result[0].value.choices"
    assert '{"Partly": "okay"}' in raised.value.reason
    record = read("label-studio", row, mapping=mapping, meanings={"Partly": "unsure", "1": "bad"})
    assert [(step.rating, step.unsure) for step in record.people[0].steps] == [(None, True), (-1, False)]
    with pytest.raises(RowError, match="no choices of a labeling tool"):
        options_for(READERS["jsonl"], {"meanings": {"Partly": "bad"}})
    with pytest.raises(RowError, match="expected one of great"):
        read("label-studio", row, mapping=mapping, meanings={"Partly": "half"})


def test_a_pairwise_selection_is_a_preference() -> None:
    row = task(
        result("better", "pairwise", {"selected": "right"}), result("why", "textarea", {"text": ["It ends.", "Well."]})
    )
    row["data"] = {"prompt": "1 + 1?", "answer_a": "3", "answer_b": "2"}
    record = read("label-studio", row)
    assert record.comparison is not None
    assert "annotations[].result[] better" in record.ignored
    mapping = {
        "problem.statement": "data.prompt",
        "comparison.left.text": "data.answer_a",
        "comparison.right.text": "data.answer_b",
        "preference": "better",
        "rationale": "why",
    }
    (person,) = read("label-studio", row, mapping=mapping).people
    assert person.preference is not None
    assert (person.preference.choice, person.preference.rationale) == ("right", "It ends.\nWell.")


def test_what_is_not_read_of_a_task_is_counted() -> None:
    row = task(
        result("stars", "rating", {"rating": 4}),
        result("rank", "ranker", {"ranker": {"rank": ["a", "b"]}}),
        {"type": "relation", "from_id": "a", "to_id": "b"},
        unique_id="u-1",
    )
    row["annotations"].append(
        {"id": 2, "completed_by": {"id": 8, "email": "a@b.example"}, "was_cancelled": True, "result": []}
    )
    row |= {"predictions": [3, 4], "drafts": [9], "inner_id": 1}
    record = read("label-studio", row, mapping={**STUDIO, "ratings": "stars"})
    assert record.people == []
    assert set(record.ignored) == {
        "annotations[].result[] stars (is about the whole solution, which has several steps)",
        "annotations[].result[] rank (ranker is not read)",
        "annotations[].result[] (relation)",
        "annotations[].unique_id",
        "annotations[] (skipped by the labeler)",
        "predictions[] (their ids alone: the export leaves out their content)",
        "drafts",
        "inner_id",
        "id",
    }


def test_the_ground_truth_is_gold_and_no_email_address_is_a_name() -> None:
    row = task(choice("r_0", "bad"), ground_truth=True)
    row["annotations"].append(
        {**row["annotations"][0], "completed_by": {"id": 8, "email": "a@b.example"}, "ground_truth": False}
    )
    record = read("label-studio", row, mapping={**STUDIO, "ratings": "r_{{idx}}"})
    assert [(gold.position, gold.rating) for gold in record.gold] == [(0, -1)]
    assert [person.labeler for person in record.people] == ["label-studio-8"]


VALUE = "annotations[0].result[0].value"
OTHER_TEXT = result("r", "labels", {"start": 0, "end": 3, "text": "You", "labels": ["bad"]})


@pytest.mark.parametrize(
    ("row", "options", "field", "reason"),
    [
        (task(choice("r_9", "good")), {"ratings": "r_{{idx}}"}, f"{VALUE}.choices", "no step 9"),
        (task(choice("r", "good", "bad", item_index=0)), {"ratings": "r"}, f"{VALUE}.choices", "one choice, found 2"),
        (
            task(choice("r_0", "good"), choice("r_0", "bad")),
            {"ratings": "r_{{idx}}"},
            VALUE.replace("[0].v", "[1].v") + ".choices",
            "second",
        ),
        (task(OTHER_TEXT), {"ratings": "r"}, f"{VALUE}.labels", "another field"),
        (task(result("r", "number", {"number": 7})), {"first_error": "r"}, f"{VALUE}.number", "no step 7"),
        (task(completed_by="ann"), {}, "annotations[0].completed_by", "the id of a user"),
        (task(lead_time=-1), {}, "annotations[0].lead_time", "seconds from 0"),
        ({"annotator": 1, "annotation_id": 2, "lead_time": 3, "problem": "?"}, {}, "annotation_id", "JSON_MIN"),
        ({"data": {"x": "?"}, "annotations": []}, {}, "data", "is missing: no field has a usual name"),
        (task(), {"problem.statement": "data.ask"}, "data.ask", "is missing"),
    ],
)
def test_a_task_that_does_not_fit_names_the_field(
    row: dict[str, Any], options: dict[str, str], field: str, reason: str
) -> None:
    mapping = {**STUDIO, **options} if "data" not in field and options else options
    with pytest.raises(RowError) as raised:
        read("label-studio", row, mapping=mapping)
    assert raised.value.field == field
    assert reason in raised.value.reason


# --- Argilla ----------------------------------------------------------------------------------------------

NESTED: dict[str, Any] = {
    "id": "r-1",
    "fields": {"problem": "1 + 1?", "solution": "We add.\nIt is 3."},
    "metadata": {"level": 3},
    "suggestions": {"quality": {"value": "bad", "score": 0.5, "agent": "critic"}},
    "responses": {
        "step_1": [{"value": "good", "user_id": f"{USER}1"}, {"value": "good", "user_id": f"{USER}2"}],
        "step_2": [{"value": "bad", "user_id": f"{USER}1"}],
        "errors": [{"value": [{"label": "bad", "start": 8, "end": 16}], "user_id": f"{USER}3"}],
    },
    "vectors": {},
    "status": "pending",
    "_server_id": None,
}
FLAT: dict[str, Any] = {
    "id": "r-1",
    "status": "pending",
    "_server_id": None,
    "problem": "1 + 1?",
    "solution": "We add.\nIt is 3.",
    "level": 3,
    "step_2.responses": ["bad", "good", "good"],
    "step_2.responses.users": [f"{USER}1", f"{USER}2", f"{USER}3"],
    "step_2.responses.status": ["submitted", "discarded", "draft"],
    "step_2.suggestion": 0,
    "step_2.suggestion.score": None,
    "step_2.suggestion.agent": "critic",
}


def test_responses_become_labels_of_their_users() -> None:
    mapping = {"problem.statement": "fields.problem", "solution.text": "fields.solution", "ratings": "step_{{idx+1}}"}
    record = read("argilla", NESTED, mapping=mapping)
    labels = {person.labeler: {step.position: step.rating for step in person.steps} for person in record.people}
    assert labels == {f"{USER}1": {0: 1, 1: -1}, f"{USER}2": {0: 1}}
    assert record.ignored == [
        "id",
        "metadata",
        "status",
        "responses[].status (not in this export: drafts and discarded responses count as well)",
        "responses errors",
        "suggestions quality",
    ]
    record = read("argilla", NESTED, mapping={**mapping, "ratings": "errors"})
    assert ratings_of(record) == {1: -1}
    (judge,) = read(
        "argilla",
        NESTED | {"fields": {"problem": "?", "solution": "3"}, "responses": {}},
        mapping={**mapping, "ratings": "quality"},
    ).judges
    assert (judge.judge, judge.steps[0].rating) == ("critic", -1)


def test_a_flat_record_has_the_status_of_its_responses() -> None:
    mapping = {"problem.statement": "problem", "solution.text": "solution", "ratings": "step_{{idx+1}}"}
    record = read("argilla", FLAT, mapping=mapping)
    assert ratings_of(record) == {1: -1}
    assert record.judges == []
    assert set(record.ignored) == {
        "id",
        "level",
        "status",
        "responses[] (discarded)",
        "responses[] (draft)",
        "step_2.suggestion (the number of a class, whose name is not in the row)",
    }


def ranking(*ranks: Any) -> dict[str, Any]:
    """A ranking of the second and the first of two answers."""
    ranked = [{"value": name, "rank": rank} for name, rank in zip(("second", "first"), ranks, strict=True)]
    return {
        "id": "r",
        "fields": {"prompt": "1 + 1?", "response_1": "2", "response_2": "3"},
        "responses": {"rank": [{"value": ranked, "user_id": "u"}]},
    }


def test_a_ranking_of_two_is_a_preference() -> None:
    mapping = {
        "problem.statement": "fields.prompt",
        "comparison.left.text": "fields.response_1",
        "comparison.right.text": "fields.response_2",
        "preference": "rank",
    }
    (person,) = read("argilla", ranking(2, 1), mapping=mapping).people
    assert person.preference is not None
    assert person.preference.choice == "left"
    for ranks in (("2", "1"), (None, None), (True, 1)):
        with pytest.raises(RowError, match="expected a whole number as rank"):
            read("argilla", ranking(*ranks), mapping=mapping)


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"step_2.responses.users": None}, "step_2.responses.users", "whose responses"),
        ({"step_2.responses.users": ["u"]}, "step_2.responses.users", "1 items for 3 responses"),
        ({"step_2.responses": "bad"}, "step_2.responses", "expected a list"),
        ({"step_2.responses": ["half", "x", "y"]}, "step_2.responses[0].value", "has no meaning"),
    ],
)
def test_a_record_that_does_not_fit_names_the_field(change: dict[str, Any], field: str, reason: str) -> None:
    mapping = {"problem.statement": "problem", "solution.text": "solution", "ratings": "step_{{idx+1}}"}
    with pytest.raises(RowError) as raised:
        read("argilla", FLAT | change, mapping=mapping)
    assert raised.value.field == field
    assert reason in raised.value.reason


def test_the_tools_are_recognized_by_their_rows() -> None:
    assert detect([NESTED]) == detect([FLAT]) == "argilla"
    assert detect([task()]) == "label-studio"
