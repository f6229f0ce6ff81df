from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.corpus.readers import READERS, ReaderOptions, detect
from apps.corpus.records import Record, RowError
from tests.corpus.rows import VALID

PLAIN = ReaderOptions()


def read(format_: str, row: dict[str, Any], options: ReaderOptions = PLAIN) -> list[Record]:
    return list(READERS[format_].read(row, options))


def test_every_format_has_a_row_here() -> None:
    assert set(VALID) == set(READERS)


@pytest.mark.parametrize("format_", READERS)
def test_a_row_is_read_and_its_format_detected(format_: str) -> None:
    records = read(format_, VALID[format_])
    assert records
    assert records[0].problem.statement == "What is 1 + 1?"
    assert detect([VALID[format_]]) == format_


def test_rows_of_no_known_format_are_not_guessed_at() -> None:
    assert detect([{"a": 1}]) is None
    assert detect([VALID["gsm8k"], VALID["math"]]) is None
    assert detect([]) is None


def test_prm800k_keeps_every_candidate_and_what_was_said_of_it() -> None:
    (record,) = read("prm800k", VALID["prm800k"])
    assert record.solution is not None
    assert [(step.position, step.candidate, step.chosen) for step in record.solution.steps] == [
        (0, 0, False),
        (0, 1, True),
        (1, 0, True),
    ]
    (person,) = record.people
    assert [(said.rating, said.unsure) for said in person.steps] == [(-1, False), (1, None), (1, False)]
    assert (person.finish_reason, person.round, person.active_ms) == ("solution", 9, 278270)
    assert record.problem.reference_answer == "2"


def test_gsm8k_answers_lose_their_calculator_marks() -> None:
    (record,) = read("gsm8k", VALID["gsm8k"])
    assert record.problem.reference_answer == "2"
    assert "<<" not in (record.problem.reference_solution or "")


def test_gsm8k_solutions_give_a_record_for_each_model() -> None:
    row = VALID["gsm8k-solutions"] | {"175b_finetuning": {"solution": "It is 2.\n#### 2", "is_correct": True}}
    found = {record.solution.source: record.solution for record in read("gsm8k-solutions", row) if record.solution}
    assert {name: one.is_correct for name, one in found.items()} == {"6b_finetuning": False, "175b_finetuning": True}


def test_math_shepherd_labels_are_estimates_and_no_ratings() -> None:
    (record,) = read("math-shepherd", VALID["math-shepherd"])
    assert [count.hard for count in record.estimates[0].steps] == [True, False]
    assert record.people == ()
    assert record.solution is not None
    assert record.solution.final_answer == "3"


@pytest.mark.parametrize(("label", "ratings"), [(1, [1, -1]), (-1, [1, 1])])
def test_processbench_labels_are_gold_up_to_the_first_error(label: int, ratings: list[int]) -> None:
    (record,) = read("processbench", VALID["processbench"] | {"label": label})
    assert [gold.rating for gold in record.gold] == ratings


def test_a_mapping_reads_any_row() -> None:
    options = ReaderOptions(mapping={"problem.statement": "q.text", "solution.text": "a"}, split="newline")
    (record,) = read("jsonl", {"q": {"text": "What?"}, "a": "One.\nTwo."}, options)
    assert record.solution is not None
    assert [step.text for step in record.solution.steps] == ["One.", "Two."]
    with pytest.raises(RowError) as error:
        read("jsonl", {"q": {}, "a": "One."}, options)
    assert error.value.field == "q.text"


def test_what_a_row_holds_and_nobody_reads_is_told() -> None:
    (record,) = read("jsonl", VALID["jsonl"] | {"consensus": {"steps": [{"position": 0, "rating": 1}]}})
    assert record.ignored == ["consensus"]


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("problem.statement", "  ", "problem.statement"),
        ("problem.verifier", "guess", "problem.verifier"),
        ("solution.verifier_score", 10**400, "solution.verifier_score"),
        ("solution.verifier_score", float("inf"), "solution.verifier_score"),
        ("solution.steps", [], "solution.steps"),
        ("solution.steps.1.position", 5, "solution.steps"),
        ("solution.steps.1.text", None, "solution.steps[1].text"),
        ("people.0.steps.0.rating", 2, "people[0].steps[0].rating"),
        ("people.0.steps.0.rating", True, "people[0].steps[0].rating"),
        ("people.0.submitted_at", "yesterday", "people[0].submitted_at"),
        ("gold.steps.0.position", 7, "gold.steps[0].position"),
        ("monte_carlo.0.steps.0.successes", 9, "monte_carlo[0].steps[0].successes"),
        ("judges.0.judge", "", "judges[0].judge"),
        ("judges.0.steps.0.rating", 2, "judges[0].steps[0].rating"),
        ("judges.0.steps.0.confidence", float("nan"), "judges[0].steps[0].confidence"),
        ("judges.0.steps.1.position", 0, "judges[0].steps"),
    ],
)
def test_a_wrong_part_is_named(path: str, value: object, field: str) -> None:
    with pytest.raises(RowError) as error:
        read("jsonl", replaced(VALID["jsonl"], path.split("."), value))
    assert error.value.field == field


def replaced(row: dict[str, Any], path: list[str], value: object) -> dict[str, Any]:
    changed = copy.deepcopy(row)
    place: Any = changed
    for name in path[:-1]:
        place = place[int(name) if isinstance(place, list) else name]
    place[int(path[-1]) if isinstance(place, list) else path[-1]] = value
    return changed


# --- anything at all --------------------------------------------------------------------------------------

TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["", " ", "\ud800", "#### ", "\\boxed{", "\u043a\u0438", "Step 1: ", "nan", "-", "+", "0"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.just(10**400) | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of everything in a row."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for name, one in inner for place in places(one, (*at, name)))]


@st.composite
def mutated(draw: st.DrawFn, row: dict[str, Any]) -> dict[str, Any]:
    """The row with one to three of its parts replaced by anything, or taken away."""
    changed = copy.deepcopy(row)
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from([place for place in places(changed) if place]))
        place = changed
        for name in path[:-1]:
            place = place[name]
        if isinstance(place, dict) and draw(st.booleans()):
            del place[path[-1]]
        else:
            place[path[-1]] = draw(JSON)
        if not changed:
            break
    return changed


@pytest.mark.parametrize("format_", READERS)
@settings(max_examples=250, deadline=None)
@given(data=st.data())
def test_any_row_gives_records_or_says_what_is_wrong(format_: str, data: st.DataObject) -> None:
    row = data.draw(mutated(VALID[format_]) | st.dictionaries(TEXTS, JSON, max_size=4))
    READERS[format_].looks_like(row)
    try:
        records = read(format_, row)
    except RowError:
        return
    for record in records:
        assert record.problem.statement.strip()
        if record.solution:
            path = [step.position for step in record.solution.path()]
            assert path == list(range(len(path)))
            places = {(step.position, step.candidate) for step in record.solution.steps}
            for said in (one for judge in record.judges for one in judge.steps):
                assert (said.position, said.candidate) in places
                assert said.rating in (-1, 0, 1)
                assert said.confidence is None or 0 <= said.confidence <= 1


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_plain_steps_and_ratings_read_as_the_careful_way_does(data: st.DataObject) -> None:
    """A row that has one step with a number for its origin goes the careful way throughout."""
    row = data.draw(mutated({"steps": VALID["jsonl"]["solution"]["steps"]}))
    steps = row.get("steps")
    whole = VALID["jsonl"] | {"solution": {"steps": steps}, "people": [], "gold": None}
    whole |= {"monte_carlo": [], "judges": []}
    try:
        fast = read("jsonl", whole)[0].solution
    except RowError:
        return
    assert fast is not None
    if isinstance(steps, list) and all(isinstance(step, dict) for step in steps):
        # 0.0 is a whole number to the careful way, and none to the fast one.
        careful = [{**step, "candidate": float(step.get("candidate") or 0)} for step in steps]
        again = read("jsonl", whole | {"solution": {"steps": careful}})[0].solution
        assert again == fast
