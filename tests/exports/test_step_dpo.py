"""Pairs of next steps: the same prefix word for word, a good and a bad continuation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.records import ProblemRecord, Record
from apps.exports.policy import PolicyError
from apps.exports.tally import Tally
from tests.examples import examples
from tests.exports.golden_rows import SUM, exported, gold, person, solution


def attempt(*texts: str, ratings: tuple[int, ...], **fields: Any) -> Record:
    return Record(problem=SUM, solution=solution(*texts, **fields), gold=gold(*ratings))


def pairs(*records: Record, **policy: Any) -> list[tuple[str, str, str]]:
    return [(row["prompt"], row["chosen"], row["rejected"]) for row in exported("step-dpo", records, **policy)]


def test_solutions_part_where_their_texts_do() -> None:
    right = attempt("A.", "B.", "C.", ratings=(1, 1, 1))
    wrong = attempt("A.", "B.", "D.", ratings=(1, 1, -1))
    assert pairs(right, wrong) == [(f"{SUM.statement}\nA.\nB.\n", "C.", "D.")]
    assert pairs(right, attempt("A.", "B", "D.", ratings=(1, 1, -1))) == [], "one character is another prefix"


def test_nothing_follows_a_bad_step_or_one_without_a_label() -> None:
    after_error = [attempt("A.", text, ratings=(-1, rating)) for text, rating in (("B.", 1), ("C.", -1))]
    assert pairs(*after_error, after_first_error="as_rated") == []
    unlabeled = [
        Record(problem=SUM, solution=solution("A.", text), people=[person("a", None, rating)])
        for text, rating in (("B.", 1), ("C.", -1))
    ]
    tally = Tally()
    assert exported("step-dpo", unlabeled, tally) == []
    assert tally.left_out == {}, "nothing in them is labeled up to the place where they part"


def test_a_text_with_two_labels_is_in_no_pair() -> None:
    tally = Tally()
    records = [
        attempt("A.", ratings=(1,)),
        attempt("A.", "B.", ratings=(-1,)),
        attempt("C.", ratings=(-1,)),
        attempt("D.", ratings=(1,)),
    ]
    rows = exported("step-dpo", records, tally)
    assert [(row["chosen"], row["rejected"]) for row in rows] == [("D.", "C.")]
    assert tally.left_out == {"ratings: of a candidate whose text has another label as well": 2}


def test_white_space_around_a_step_makes_no_other_step() -> None:
    good, bad = attempt("A.", "B.", ratings=(1, 1)), attempt("A.", "B. ", ratings=(1, -1))
    tally = Tally()
    assert exported("step-dpo", [good, bad], tally) == []
    assert tally.left_out["ratings: of a candidate whose text has another label as well"] == 2
    assert pairs(good, bad, attempt("A.", "C.", ratings=(1, 1)), attempt("A.", "D.", ratings=(1, -1))) == [
        (f"{SUM.statement}\nA.\n", "C.", "D.")
    ]


def test_a_problem_with_very_many_solutions_has_no_more_pairs_than_fit_in_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("apps.exports.formats.step_dpo.MOST_PAIRS", 5)
    monkeypatch.setattr("apps.exports.labels.pairs.order.MOST_PAIRS", 5)
    records = [attempt(f"Step {number}.", ratings=(-1 if number % 2 else 1,)) for number in range(20)]
    tally = Tally()
    rows = exported("step-dpo", records, tally)
    assert (len(rows), tally.left_out["pairs: more than pairs_per_problem"]) == (5, 10 * 10 - 5)
    assert len({row["chosen"] for row in rows}) == len({row["rejected"] for row in rows}) == 5


def test_rated_alternatives_are_pairs_of_one_solution() -> None:
    solution_ = solution("A.", "B.", alternatives=[(1, "C."), (1, "D.")])
    ratings = person("a", 1, -1, also=[(1, 1, 1), (1, 2, -1)])
    record = Record(problem=SUM, solution=solution_, people=[ratings])
    tally = Tally()
    rows = exported("step-dpo", [record], tally, sources=["human"])
    assert [(row["chosen"], row["rejected"], row["source"]) for row in rows] == [
        ("C.", "B.", "alternatives"),
        ("C.", "D.", "alternatives"),
    ]
    assert (tally.sources, tally.labels) == ({"alternatives": 2}, {"1": 2, "-1": 2})
    dropped = Tally()
    assert exported("step-dpo", [record], dropped, sources=["human"], alternatives="drop") == []
    assert dropped.left_out == {"problems: without a good and a bad step after the same prefix": 1}


def test_messages_keep_the_prefix_within_the_answer() -> None:
    right, wrong = attempt("A.", "B.", ratings=(1, 1)), attempt("A.", "C.", ratings=(1, -1))
    (row,) = exported("step-dpo", [right, wrong], prompts="conversational")
    assert row["prompt"] == [{"role": "user", "content": SUM.statement}]
    assert row["chosen"] == [{"role": "assistant", "content": "A.\nB."}]
    assert row["rejected"] == [{"role": "assistant", "content": "A.\nC."}]


def test_a_dialogue_that_no_transcript_can_hold_is_counted() -> None:
    problem = ProblemRecord(statement="x", extras={"messages": [{"role": "user", "content": "\n\nHuman: x"}]})
    records = [
        Record(problem=problem, solution=solution(text), gold=gold(rating)) for text, rating in (("A.", 1), ("B.", -1))
    ]
    tally = Tally()
    assert exported("step-dpo", records, tally) == []
    assert tally.left_out == {"pairs: a message contains a speaker's mark, such as “Human:”": 1}
    assert len(exported("step-dpo", records, prompts="conversational")) == 1


def test_a_policy_of_unknown_prompts_is_refused() -> None:
    with pytest.raises(PolicyError, match="prompts"):
        exported("step-dpo", [], prompts="verse")


@st.composite
def attempts(draw: st.DrawFn) -> Record:
    ratings = draw(st.lists(st.sampled_from([-1, 0, 1]), max_size=3))
    return attempt(*draw(st.lists(st.sampled_from("ab"), min_size=3, max_size=3)), ratings=tuple(ratings))


@given(st.lists(attempts(), max_size=6), st.sampled_from(["leave_out", "negative", "as_rated"]))
@examples(200)
def test_both_sides_are_labeled_so_by_some_solution_with_that_prefix(records: list[Record], after: str) -> None:
    labels: dict[tuple[str, ...], set[bool]] = {}
    for record in records:
        assert record.solution is not None
        texts = [step.text for step in record.solution.path()]
        for place, rating in enumerate(record.gold):
            labels.setdefault(tuple(texts[: place + 1]), set()).add(rating.rating == -1)
            if rating.rating == -1:
                break
    tally = Tally()
    rows = exported("step-dpo", records, tally, after_first_error=after)
    for row in rows:
        prefix = row["prompt"].removeprefix(f"{SUM.statement}\n").split("\n")[:-1]
        assert labels[*prefix, row["chosen"]] == {False}
        assert labels[*prefix, row["rejected"]] == {True}
    prefixes = {texts[:-1] for texts in labels}
    by_hand = sum(
        labels.get((*prefix, good)) == {False} and labels.get((*prefix, bad)) == {True}
        for prefix in prefixes
        for good, bad in (("a", "b"), ("b", "a"))
    )
    assert len(rows) == by_hand == tally.sources.total() == tally.labels.total() // 2
