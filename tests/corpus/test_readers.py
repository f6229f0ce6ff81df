from __future__ import annotations

import copy
import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.grading import final_answer
from apps.corpus.imports.readers import READERS, ReaderOptions, detect, options_for
from apps.corpus.imports.readers.math_shepherd import TAG
from apps.corpus.records import Record, RowError
from tests.corpus.rows import VALID
from tests.examples import examples

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


def test_prm800k_keeps_every_candidate_and_its_rating() -> None:
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
    assert final_answer(record.solution) == "3"


def test_of_two_answers_of_a_math_shepherd_row_none_decides() -> None:
    """As of any other row's text."""
    text = "What? Step 1: The answer is: 5. {}\n\nStep 2: The answer is: 7 {}"
    (record,) = read("math-shepherd", {"input": text.format(TAG, TAG), "label": text.format("+", "+")})
    assert record.solution is not None
    assert final_answer(record.solution) is None


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


@pytest.mark.parametrize(
    "said",
    [
        {"rollouts": 8, "successes": 0},
        {"rollouts": 8, "hard": True},
        {"rollouts": 0},
        {"rollouts": 0, "missing": 8},
        {"hard": False},
    ],
)
def test_counts_say_how_many_succeeded_or_the_hard_label_or_that_there_are_none(said: dict[str, Any]) -> None:
    (record,) = read("jsonl", VALID["jsonl"] | {"monte_carlo": [{"steps": [{"position": 0, **said}]}]})
    ((count,),) = (one.steps for one in record.estimates)
    assert (count.rollouts, count.successes, count.hard) == (
        said.get("rollouts"),
        said.get("successes"),
        said.get("hard"),
    )


def test_self_reviewed_labelers_are_noted() -> None:
    gold = {"steps": [{"position": 0, "rating": 1, "self_reviewed": True}, {"position": 1, "rating": 1}]}
    people = [{"labeler": "one", "self_reviewed": True}, {"labeler": "two", "self_reviewed": False}]
    (record,) = read("jsonl", VALID["jsonl"] | {"gold": gold, "people": people})
    assert [said.self_reviewed for said in record.gold] == [True, False]
    assert record.ignored == ["people[].self_reviewed"]


def test_an_unread_part_of_a_row_is_noted() -> None:
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
        ("gold.steps", [{"position": 0, "rating": 1}, {"position": 0, "rating": -1}], "gold.steps"),
        ("gold.steps.0.self_reviewed", "perhaps", "gold.steps[0].self_reviewed"),
        ("monte_carlo.0.steps.0.successes", 9, "monte_carlo[0].steps[0].successes"),
        ("monte_carlo.0.steps.0", {"position": 0, "rollouts": 8}, "monte_carlo[0].steps[0].successes"),
        ("monte_carlo.0.steps.0", {"position": 0, "rollouts": 8, "missing": 8}, "monte_carlo[0].steps[0].successes"),
        (
            "monte_carlo.0.steps",
            [{"position": 0, "hard": True}, {"position": 0, "hard": False}],
            "monte_carlo[0].steps",
        ),
        ("judges.0.judge", "", "judges[0].judge"),
        ("judges.0.steps.0.rating", 2, "judges[0].steps[0].rating"),
        ("judges.0.steps.0.confidence", float("nan"), "judges[0].steps[0].confidence"),
        ("judges.0.steps.1.position", 0, "judges[0].steps"),
        ("scores.0.scorer", " ", "scores[0].scorer"),
        ("scores.0.steps.0.score", 1.5, "scores[0].steps[0].score"),
        ("scores.0.steps.0.score", None, "scores[0].steps[0].score"),
        ("scores.0.steps.1.position", 0, "scores[0].steps"),
        ("scores.0.steps.1.position", 7, "scores[0].steps[1].position"),
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
@examples(250)
@given(data=st.data())
def test_any_row_becomes_records_or_a_row_error(format_: str, data: st.DataObject) -> None:
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


@examples(150)
@given(st.data())
def test_steps_are_read_alike_with_and_without_normalizing(data: st.DataObject) -> None:
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
    plain = (str, int, float, type(None))
    if isinstance(steps, list) and all(
        isinstance(step, dict) and isinstance(step.get("candidate"), plain) for step in steps
    ):
        # 0.0 is a whole number to the careful way, and none to the fast one.
        careful = [{**step, "candidate": float(step.get("candidate") or 0)} for step in steps]
        again = read("jsonl", whole | {"solution": {"steps": careful}})[0].solution
        assert again == fast


# --- nothing in silence -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("problem.subjct", "problem.subjct"),
        ("note", "note"),
        ("solution.model", "solution.model"),
        ("solution.steps.1.note", "solution.steps[].note"),
        ("people.0.steps.0.why", "people[].steps[].why"),
        ("people.0.critiques.0.stars", "people[].critiques[].stars"),
        ("monte_carlo.0.steps.0.mc_value", "monte_carlo[].steps[].mc_value"),
        ("judges.0.steps.0.score", "judges[].steps[].score"),
        ("gold.who", "gold.who"),
    ],
)
def test_an_unknown_key_is_noted_with_its_path(path: str, told: str) -> None:
    (record,) = read("jsonl", replaced(VALID["jsonl"], path.split("."), "x"))
    assert record.ignored == [told]
    (record,) = read("jsonl", replaced(VALID["jsonl"], path.split("."), None))
    assert record.ignored == []


@pytest.mark.parametrize(
    "mapping",
    [
        {"problem.subjct": "a"},
        {"problem.statement": "a", "first_eror": "b"},
        {"statement": "a"},
        {"problem.statement.text": "a"},
        {"problem.": "a"},
        {"problem": "a", "problem.statement": "b"},
        {"solution.steps.text": "a"},
        {"problem.statement": 3},
        {"problem.statement": ""},
        ["a"],
    ],
)
def test_a_mapping_to_an_unknown_field_is_an_error_of_the_option(mapping: Any) -> None:
    with pytest.raises(RowError) as error:
        options_for(READERS["jsonl"], {"mapping": mapping})
    assert error.value.field == "mapping"


@pytest.mark.parametrize("format_", sorted(set(READERS) - {"jsonl", "preference", "kto", "label-studio", "argilla"}))
def test_a_format_that_takes_no_mapping_says_so(format_: str) -> None:
    with pytest.raises(RowError, match="does not accept a mapping"):
        options_for(READERS[format_], {"mapping": {"problem": "a"}})


@pytest.mark.parametrize(
    "given",
    [{"split": ["newline"]}, {"separator": 3, "split": "separator"}, {"label_scale": "five"}, {"mapping": None}],
)
def test_options_of_another_type_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(RowError):
        options_for(READERS["jsonl"], given)


def test_unmapped_and_missing_columns_are_noted() -> None:
    options = ReaderOptions(
        mapping={"problem.statement": "q.text", "problem.reference_answer": "anwser", "solution.steps": "s"}
    )
    (record,) = read(
        "jsonl", {"q": {"text": "What?", "lang": "en"}, "s": ["One."], "answer": 3, "empty": None}, options
    )
    assert record.problem.reference_answer is None
    assert record.ignored == ["anwser (missing; mapped to problem.reference_answer)", "q.lang", "answer"]
    (alone,) = read("jsonl", {"q": {"text": "What?"}}, options)
    assert alone.solution is None


MARKED = ReaderOptions(
    mapping={"problem.statement": "q", "solution.steps": "s", "first_error": "f", "error_steps": "e", "labels": "l"}
)
BASE = {"q": "What?", "s": ["One.", "Two.", "Three."], "f": None, "e": None, "l": None}


@pytest.mark.parametrize(
    ("marks", "gold"),
    [
        ({"f": 0}, [-1]),
        ({"f": 2}, [1, 1, -1]),
        ({"f": -1}, [1, 1, 1]),
        ({"f": [1]}, None),
        ({"e": [2]}, [1, -1]),
        ({"e": [3, 2]}, [1, -1]),
        ({"e": []}, [1, 1, 1]),
        ({"e": 1}, [-1]),
        ({"e": [0]}, None),
        ({"e": [4]}, None),
        ({"f": 3}, None),
        ({"f": "one"}, None),
    ],
)
def test_marks_of_benchmarks_become_gold(marks: dict[str, Any], gold: list[int] | None) -> None:
    if gold is None:
        with pytest.raises(RowError):
            read("jsonl", BASE | marks, MARKED)
        return
    (record,) = read("jsonl", BASE | marks, MARKED)
    assert [one.rating for one in record.gold] == gold
    assert [one.position for one in record.gold] == list(range(len(gold)))
    assert record.ignored == (["error_steps (after the first error)"] if marks.get("e") == [3, 2] else [])


@pytest.mark.parametrize(
    ("labels", "scale", "ratings"),
    [
        ([True, True, False], None, [1, 1, -1]),
        (["+", "-", "+"], None, [1, -1, 1]),
        (["good", None, "Neutral"], None, [1, None, 0]),
        ([1, 0, -1], None, [1, 0, -1]),
        ([1, 0, 1], "binary", [1, -1, 1]),
        ([1, 0, 1], "ternary", [1, 0, 1]),
        ([1, 1, -100], None, [1, 1, None]),
        ([1, 0, 1], None, "labels[1]"),
        ([1, -1, 0], "binary", "labels[1]"),
        ([1, 1], None, "labels"),
        ([1, 2, 1], None, "labels[1]"),
        ([0.5, 1.5, 1], None, "labels[1]"),
    ],
)
def test_a_label_for_each_step(labels: list[Any], scale: str | None, ratings: list[int | None] | str) -> None:
    options = dataclasses.replace(MARKED, label_scale=scale)
    if isinstance(ratings, str):
        with pytest.raises(RowError) as error:
            read("jsonl", BASE | {"l": labels}, options)
        assert error.value.field == ratings
        return
    (record,) = read("jsonl", BASE | {"l": labels}, options)
    (person,) = record.people
    said = {one.position: one.rating for one in person.steps}
    assert [said.get(place) for place in range(3)] == ratings


def test_shares_without_counts_are_noted_and_no_labels() -> None:
    (record,) = read("jsonl", BASE | {"l": [1.0, 0.5, 0.0]}, MARKED)
    assert (list(record.people), record.ignored) == ([], ["labels (soft values without counts)"])
    (record,) = read("trl-prm", VALID["trl-prm"] | {"labels": [1.0, 0.25]})
    assert (list(record.people), record.ignored) == ([], ["labels (soft values without counts)"])
    (record,) = read("math-shepherd", VALID["math-shepherd"] | {"label": [0.75, 0.0]})
    assert (list(record.estimates), record.ignored) == ([], ["label (soft values without counts)"])
    assert record.solution is not None
    (record,) = read("math-shepherd", VALID["math-shepherd"] | {"label": ["+", "-"]})
    assert [count.hard for count in record.estimates[0].steps] == [True, False]


def test_a_first_error_is_gold_where_the_row_has_no_other_labels() -> None:
    plain = {"problem": {"statement": "What?"}, "solution": {"steps": ["One.", "Two."]}, "first_error": 1}
    (record,) = read("jsonl", plain)
    assert [one.rating for one in record.gold] == [1, -1]
    (record,) = read("jsonl", VALID["jsonl"] | {"first_error": 0})
    assert [(one.position, one.rating) for one in record.gold] == [(1, -1)], "it follows from the rest of the row"


@pytest.mark.parametrize(
    ("path", "value", "found"),
    [
        ("solution.is_correct", 1, True),
        ("solution.is_correct", 0.0, False),
        ("solution.is_correct", "yes", True),
        ("solution.is_correct", "False", False),
        ("solution.is_correct", [True], True),
        ("solution.is_correct", "", None),
        ("problem.reference_answer", ["42"], "42"),
        ("problem.reference_answer", [42], "42"),
        ("problem.reference_answer", [], None),
        ("problem.statement", ["What?"], "What?"),
    ],
)
def test_usual_types_are_read(path: str, value: Any, found: Any) -> None:
    (record,) = read("jsonl", replaced(VALID["jsonl"], path.split("."), value))
    part, name = path.split(".")
    assert getattr(getattr(record, part), name) == found


def test_a_formula_that_never_ends_is_noted() -> None:
    row = {"problem": {"statement": "What?"}, "solution": {"text": "We have \\[ x = 1\nand so on."}}
    assert read("jsonl", row)[0].ignored == ["solution.text (split within an unclosed formula)"]
    pair = {"prompt": "What?", "chosen": "```\na\nb", "rejected": "c"}
    assert read("preference", pair)[0].ignored == ["chosen (split within an unclosed code fence)"]
