"""Pairs that are made of a problem's solutions: by their final answers, or by the labels of their steps."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from apps.corpus.records import GoldRating, ProblemRecord, Record
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from tests.exports.test_pairs import compared, prefers, solution

PROBLEM = ProblemRecord(statement="What is 1 + 1?")
_numbers = count()


def answered(text: str, *, is_correct: bool | None = True, ratings: tuple[int, ...] = (), **fields: Any) -> Record:
    """A solution of one step for each line of the text, with gold on its first steps."""
    gold = [GoldRating(position=place, rating=rating) for place, rating in enumerate(ratings)]
    return Record(problem=PROBLEM, solution=solution(*text.split("\n"), is_correct=is_correct, **fields), gold=gold)


def pairs(*records: Record, tally: Tally | None = None, format_: str = "reward-pairs", **policy: Any) -> list[Any]:
    chosen = LabelPolicy.from_dict({"pairs": ["answers"], **policy})
    FORMATS[format_].check(chosen)
    counts = Tally() if tally is None else tally
    return list(FORMATS[format_].problem_rows(records, chosen, counts))


def sides(rows: list[Any]) -> list[tuple[str, str]]:
    return [(row["chosen"], row["rejected"]) for row in rows]


# --- by answers -------------------------------------------------------------------------------------------


def test_a_right_answer_is_chosen_over_a_wrong_one() -> None:
    tally = Tally()
    assert pairs(answered("3", is_correct=False), answered("2"), tally=tally) == [
        {
            "prompt": "What is 1 + 1?\n",
            "chosen": "2",
            "rejected": "3",
            "margin": 0.0,
            "votes": {"chosen": 0, "rejected": 0, "tie": 0},
            "source": "answers",
        }
    ]
    assert tally.sources == {"final answer": 1}
    assert tally.labels == {"right over wrong": 1}
    assert tally.left_out == {}


@pytest.mark.parametrize("prompts", ["standard", "conversational", "llama_factory", "ms_swift"])
def test_every_form_has_the_same_pairs(prompts: str) -> None:
    (row,) = pairs(answered("3", is_correct=False), answered("2"), format_="dpo", prompts=prompts)
    assert list(row) == FORMATS["dpo"].schema(LabelPolicy(prompts=prompts)).names  # type: ignore[arg-type]
    first, second = list(row.values())[-2:]
    assert "2" in str(first)
    assert "3" in str(second)


def test_all_right_answers_meet_all_wrong_ones() -> None:
    records = [answered(f"right {number}") for number in range(3)]
    records += [answered(f"wrong {number}", is_correct=False) for number in range(4)]
    found = sides(pairs(*records))
    assert len(found) == len(set(found)) == 12
    assert all(chosen.startswith("right") and rejected.startswith("wrong") for chosen, rejected in found)


def test_the_first_pairs_have_no_solution_in_common() -> None:
    records = [answered(f"right {number}") for number in range(3)]
    records += [answered(f"wrong {number}", is_correct=False) for number in range(5)]
    for matching in ("random", "closest_length", "hardest"):
        first = sides(pairs(*records, pair_matching=matching, pairs_per_problem=3))
        assert len({side for pair in first for side in pair}) == 6, matching


def test_solutions_without_a_pair_are_counted_with_the_reason() -> None:
    tally = Tally()
    records = [answered("2"), answered("so 2"), answered("unknown", is_correct=None)]
    assert pairs(*records, tally=tally) == []
    assert tally.left_out == {
        "solutions: in no pair: no other solution of the problem to pair them with": 2,
        "solutions: it is unknown whether the answer is right": 1,
    }


def test_a_cap_leaves_pairs_out_and_counts_them() -> None:
    tally = Tally()
    records = [answered("2"), answered("3", is_correct=False), answered("4", is_correct=False)]
    assert len(pairs(*records, tally=tally, pairs_per_problem=1)) == 1
    assert tally.left_out == {
        "pairs: more than pairs_per_problem": 1,
        "solutions: only in pairs beyond pairs_per_problem": 1,
    }


def test_the_same_text_is_never_on_both_sides_and_no_pair_is_written_twice() -> None:
    tally = Tally()
    records = [
        answered("2"),
        answered("2", source="b"),
        answered("2 \n", is_correct=False),
        answered("3", is_correct=False),
    ]
    assert sides(pairs(*records, tally=tally)) == [("2", "3")]
    assert tally.left_out["pairs: both sides have the same text"] == 2
    assert tally.left_out["pairs: of two texts that are a pair already"] == 1


# --- matching ---------------------------------------------------------------------------------------------


def test_by_length_the_closest_meet_first() -> None:
    records = [answered("r" * 10), answered("r" * 20)]
    records += [answered("w" * length, is_correct=False) for length in (40, 19, 12)]
    found = [
        (len(chosen), len(rejected)) for chosen, rejected in sides(pairs(*records, pair_matching="closest_length"))
    ]
    assert found[:2] == [(20, 19), (10, 12)]
    assert len(found) == 6


def test_by_source_only_solutions_of_one_generator_meet() -> None:
    records = [
        answered("a: 2", source="a"),
        answered("b: 2", source="b"),
        answered("of nobody: 2"),
        answered("a: 3", source="a", is_correct=False),
        answered("of nobody: 3", is_correct=False),
    ]
    tally = Tally()
    assert sides(pairs(*records, pair_matching="same_source", tally=tally)) == [("a: 2", "a: 3")]
    assert tally.left_out == {"solutions: in no pair: no other solution of the problem to pair them with": 3}


def test_the_hardest_wrong_answer_has_the_highest_score() -> None:
    scores = {"low": 0.1, "high": 0.9, "middle": 0.5, "none": None}
    wrong = [answered(name, is_correct=False, verifier_score=score) for name, score in scores.items()]
    found = sides(pairs(answered("2", verifier_score=0.2), *wrong, pair_matching="hardest"))
    assert [rejected for _, rejected in found] == ["high", "middle", "low", "none"]


def test_another_seed_makes_another_order_and_the_same_seed_the_same() -> None:
    records = [answered(f"right {number}") for number in range(6)]
    records += [answered(f"wrong {number}", is_correct=False) for number in range(6)]
    found = sides(pairs(*records))
    assert found == sides(pairs(*records)) == sides(pairs(*reversed(records)))
    assert found != sides(pairs(*records, split_seed="another"))
    assert sorted(found) == sorted(sides(pairs(*records, split_seed="another")))


def test_of_very_many_solutions_some_of_each_grade_make_pairs() -> None:
    records = [answered(f"right {number}") for number in range(600)]
    records += [answered(f"wrong {number}", is_correct=False) for number in range(3)]
    tally = Tally()
    found = sides(pairs(*records, tally=tally))
    assert len(found) == 497 * 3
    assert tally.left_out == {
        "solutions: more than 500 of a problem, which is the most that pairs are made of": 103,
    }
    assert found == sides(pairs(*reversed(records)))


def test_a_problem_makes_no_more_than_ten_thousand_pairs() -> None:
    records = [answered(f"{number}", is_correct=number % 2 == 0) for number in range(220)]
    tally = Tally()
    assert len(pairs(*records, tally=tally)) == 10_000
    assert tally.left_out == {"pairs: more than pairs_per_problem": 110 * 110 - 10_000}


# --- by labels --------------------------------------------------------------------------------------------


def test_better_labels_are_chosen_over_worse_ones() -> None:
    tally = Tally()
    records = [
        answered("a\nb\nc", ratings=(1, -1)),
        answered("d\ne\nf", ratings=(1, 1, 1)),
        answered("g", ratings=(-1,)),
    ]
    found = pairs(*records, pairs=["labels"], tally=tally, margin_rule="scores")
    assert sorted((row["chosen"], row["rejected"], row["margin"]) for row in found) == [
        ("a\nb\nc", "g", pytest.approx(1 / 3)),
        ("d\ne\nf", "a\nb\nc", pytest.approx(2 / 3)),
        ("d\ne\nf", "g", 1.0),
    ]
    assert {row["source"] for row in found} == {"labels"}
    assert tally.sources == {"step labels": 3}
    assert tally.labels == {"better over worse": 3}
    assert tally.positive_margins == 3


def test_equal_labels_make_no_pair() -> None:
    assert pairs(answered("a\nb", ratings=(1, -1)), answered("c\nd", ratings=(1, -1)), pairs=["labels"]) == []


@pytest.mark.parametrize(
    ("score", "chosen"), [("good_steps", "d\ne\nf\ng"), ("first_error", "a\nb\nc\nh"), ("verifier_score", "d\ne\nf\ng")]
)
def test_what_makes_labels_better_is_a_choice(score: str, chosen: str) -> None:
    """The first one has its error later, the second one has more good steps in all."""
    records = [
        answered("a\nb\nc\nh", ratings=(1, 1, -1, -1), verifier_score=0.1),
        answered("d\ne\nf\ng", ratings=(1, -1, 1, 1), verifier_score=0.2),
    ]
    (row,) = pairs(*records, pairs=["labels"], pair_score=score, after_first_error="as_rated")
    assert row["chosen"] == chosen


@pytest.mark.parametrize(
    ("record", "policy", "reason"),
    [
        (answered("a"), {}, "no source of the policy labels them"),
        (answered("a\nb", ratings=(1,)), {}, "a step before the first error has no label"),
        (answered("a", ratings=(1,)), {"pair_score": "verifier_score"}, "without a verifier score"),
    ],
)
def test_solutions_whose_labels_do_not_tell_how_good_they_are_are_left_out(
    record: Record, policy: dict[str, Any], reason: str
) -> None:
    tally = Tally()
    assert pairs(record, pairs=["labels"], tally=tally, **policy) == []
    assert tally.left_out == {f"solutions: {reason}": 1}


def test_a_pair_of_answers_has_the_difference_of_the_label_scores_as_margin() -> None:
    wrong = answered("a\nb", ratings=(1, -1), is_correct=False)
    right = answered("c", ratings=(1,))
    assert pairs(right, wrong, margin_rule="scores")[0]["margin"] == 0.5
    assert pairs(answered("c"), wrong, margin_rule="scores")[0]["margin"] == 0.0, "one side has no labels"
    lucky = answered("c", ratings=(-1,))
    assert pairs(lucky, wrong, margin_rule="scores")[0]["margin"] == 0.0, "a margin is never negative"


# --- several sources --------------------------------------------------------------------------------------


def test_the_first_source_decides_on_two_texts_and_later_ones_add_other_pairs() -> None:
    preferred = compared(prefers("right"))
    right = answered("One.\nIt is 2.", ratings=(1, 1))
    wrong = answered("One.\nIt is 3.", ratings=(1, -1), is_correct=False)
    other = answered("It is 2.", ratings=(1,))
    tally = Tally()
    found = pairs(preferred, right, wrong, other, pairs=["preferences", "answers", "labels"], tally=tally)
    assert [(row["chosen"], row["rejected"], row["source"]) for row in found] == [
        ("One.\nIt is 3.", "One.\nIt is 2.", "people"),
        ("It is 2.", "One.\nIt is 3.", "answers"),
    ]
    assert tally.left_out == {"pairs: of two texts that are a pair already": 3} | {
        "solutions: in no pair: no other solution of the problem to pair them with": 1
    }
    reversed_order = pairs(preferred, right, wrong, other, pairs=["labels", "answers", "preferences"])
    assert {row["source"] for row in reversed_order} == {"labels"}


def test_the_cap_holds_over_all_sources_and_preferences_come_first_where_they_are_named_first() -> None:
    records = [
        compared(prefers("left")),
        answered("a"),
        answered("b", is_correct=False),
        answered("c", is_correct=False),
    ]
    found = pairs(*records, pairs=["preferences", "answers"], pairs_per_problem=2)
    assert [row["source"] for row in found] == ["people", "answers"]
    found = pairs(*records, pairs=["answers", "preferences"], pairs_per_problem=2)
    assert [row["source"] for row in found] == ["answers", "answers"]


def test_of_too_many_preferences_the_same_ones_stay_whatever_their_order() -> None:
    records = [
        structs.replace(
            compared(prefers("left")),
            comparison=structs.replace(
                compared().comparison, left=solution(f"left {number}"), right=solution(f"right {number}")
            ),
        )
        for number in range(9)
    ]
    tally = Tally()
    kept = pairs(*records, pairs=["preferences"], pairs_per_problem=4, tally=tally)
    assert tally.left_out == {"pairs: more than pairs_per_problem": 5}
    again = pairs(*reversed(records), pairs=["preferences"], pairs_per_problem=4)
    assert sorted(sides(kept)) == sorted(sides(again))


def test_a_text_that_a_transcript_would_tear_leaves_out_its_solution_alone() -> None:
    problem = ProblemRecord(statement="...", extras={"messages": [{"role": "user", "content": "1 + 1?"}]})
    records = [answered("2"), answered("Human: 3", is_correct=False), answered("4", is_correct=False)]
    records = [structs.replace(record, problem=problem) for record in records]
    tally = Tally()
    assert sides(pairs(*records, tally=tally)) == [(" 2", " 4")]
    assert tally.left_out == {"solutions: a message contains a speaker's mark, such as “Human:”": 1}


def test_formats_of_pairs_ask_only_for_the_records_that_their_sources_need() -> None:
    kinds = FORMATS["dpo"].kinds
    assert kinds(LabelPolicy(pairs=("answers",))) == kinds(LabelPolicy(pairs=("labels", "answers"))) == ("solution",)
    assert kinds(LabelPolicy(pairs=("labels", "preferences"))) == ("solution", "comparison")


# --- for all solutions and policies -----------------------------------------------------------------------

TEXTS = st.sampled_from(["a", "b", "c", "a b", "a\nb", "b\na", " a", "long " * 9])
SOLUTIONS = st.lists(
    st.builds(
        answered,
        TEXTS.map(lambda text: text if text.strip() else "x"),
        is_correct=st.sampled_from([True, False, None]),
        ratings=st.lists(st.sampled_from([-1, 0, 1]), max_size=2).map(tuple),
        source=st.sampled_from(["x", "y", None]),
        verifier_score=st.sampled_from([0.1, 0.5, None]),
    ),
    max_size=9,
)
POLICIES = st.fixed_dictionaries(
    {
        "pairs": st.permutations(["answers", "labels", "preferences"]).flatmap(
            lambda names: st.integers(1, 3).map(lambda size: names[:size])
        ),
        "pair_matching": st.sampled_from(["random", "closest_length", "same_source", "hardest"]),
        "pair_score": st.sampled_from(["good_steps", "first_error", "verifier_score"]),
        "pairs_per_problem": st.integers(0, 5),
        "after_first_error": st.sampled_from(["leave_out", "as_rated", "negative"]),
        "ties": st.sampled_from(["drop", "both_ways"]),
    }
)
COMPARISONS = st.lists(
    st.tuples(TEXTS, TEXTS, st.sampled_from(["left", "right", "tie"])).map(
        lambda drawn: structs.replace(
            compared(prefers(drawn[2])),
            comparison=structs.replace(compared().comparison, left=solution(drawn[0]), right=solution(drawn[1])),
        )
    ),
    max_size=4,
)


@settings(max_examples=300, deadline=None)
@given(records=SOLUTIONS, comparisons=COMPARISONS, policy=POLICIES)
def test_whatever_the_solutions_no_sides_are_equal_caps_hold_and_counts_add_up(
    records: list[Record], comparisons: list[Record], policy: dict[str, Any]
) -> None:
    tally = Tally()
    found = pairs(*records, *comparisons, tally=tally, **policy)
    assert all(row["chosen"].strip() != row["rejected"].strip() for row in found)
    assert not policy["pairs_per_problem"] or len(found) <= policy["pairs_per_problem"]
    assert tally.labels.total() == tally.sources.total() == len(found)
    of_solutions = [frozenset((row["chosen"], row["rejected"])) for row in found if row["source"] != "people"]
    assert len(of_solutions) == len(set(of_solutions))
    if set(policy["pairs"]) != {"preferences"}:
        in_pairs = {text.strip() for pair in of_solutions for text in pair}
        unpaired = tally.left_out_of("solutions")
        assert unpaired <= len(records)
        assert len(records) - unpaired >= len(in_pairs), "each text in a pair has a solution that is not left out"
    assert found == pairs(*records, *comparisons, **policy), "the same data and policy give the same rows"
