"""Rated alternatives become rows of their own, and every rating is in a row or counted as left out."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.imports.readers import READERS, ReaderOptions
from apps.corpus.records import (
    ConsensusRating,
    EstimateRecord,
    GoldRating,
    JudgeRecord,
    PersonRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
    StepCount,
    StepRating,
    StepRecord,
    VerdictRecord,
)
from apps.exports.formats import FORMATS
from apps.exports.policy import LabelPolicy
from apps.exports.tally import Tally
from tests.examples import examples

Said = tuple[int, int, int | None]


def person(*said: Said, name: str = "a", **fields: Any) -> PersonRecord:
    steps = [
        StepRating(position=place, candidate=number, rating=rating, chosen=(place, number) in fields.get("chosen", ()))
        for place, number, rating in said
    ]
    return PersonRecord(
        labeler=name, finish_reason=fields.get("finish", "solution"), steps=steps, is_suspended=fields.get("out", False)
    )


def record(*people: PersonRecord, texts: dict[tuple[int, int], str] | None = None, **fields: Any) -> Record:
    """Three steps, the second with three alternatives and the last with one."""
    places = [(0, 0), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (2, 1)]
    own = texts or {}
    steps = [
        StepRecord(position=at, candidate=number, text=own.get((at, number), f"s{at}{number}"), chosen=number == 0)
        for at, number in places
    ]
    return Record(
        problem=ProblemRecord(statement="What?"), solution=SolutionRecord(steps=steps), people=people, **fields
    )


def rows(one: Record, tally: Tally | None = None, format_: str = "trl-prm", **policy: Any) -> list[Any]:
    chosen = LabelPolicy.from_dict(policy)
    made = list(FORMATS[format_].rows(one, chosen, tally or Tally()))
    return (
        [tuple(zip(row["completions"], row["labels"], strict=True)) for row in made] if format_ == "trl-prm" else made
    )


def left_out(one: Record, **policy: Any) -> dict[str, int]:
    tally = Tally()
    rows(one, tally, **policy)
    assert tally.ratings()["read"] == tally.carried + sum(
        count for reason, count in tally.left_out.items() if reason.startswith("ratings")
    )
    return dict(tally.left_out)


RATED = record(person((0, 0, 1), (1, 0, 1), (1, 1, -1), (1, 2, -1), (2, 0, 1), (2, 1, -1)))


def test_each_rated_alternative_is_a_row_after_the_steps_before_it() -> None:
    assert rows(RATED) == [
        (("s00", True), ("s10", True), ("s20", True)),
        (("s00", True), ("s11", False)),
        (("s00", True), ("s12", False)),
        (("s00", True), ("s10", True), ("s21", False)),
    ]
    assert left_out(RATED) == {}


def test_math_shepherd_has_the_same_rows() -> None:
    made = rows(RATED, format_="math-shepherd")
    assert [row["label"].removeprefix("What? ") for row in made] == [
        "Step 1: s00 +\nStep 2: s10 +\nStep 3: s20 +",
        "Step 1: s00 +\nStep 2: s11 -",
        "Step 1: s00 +\nStep 2: s12 -",
        "Step 1: s00 +\nStep 2: s10 +\nStep 3: s21 -",
    ]


def test_the_manifest_adds_up() -> None:
    tally = Tally()
    made = rows(RATED, tally)
    assert tally.ratings() == {"read": 6, "written": 6, "left_out": 0, "repeated": 4, "made": 0}
    assert tally.labels == {"1": 7, "-1": 3}
    assert sum(len(row) for row in made) == 10


def test_a_policy_may_drop_alternatives_and_then_they_are_counted() -> None:
    assert rows(RATED, alternatives="drop") == [(("s00", True), ("s10", True), ("s20", True))]
    assert left_out(RATED, alternatives="drop") == {"ratings: alternatives, which the policy drops": 3}


def test_alternatives_of_the_first_step_and_of_the_bad_step() -> None:
    """Phase 2 of PRM800K: up to the first error, and alternatives for it."""
    one = record(person((0, 0, 1), (1, 0, -1), (1, 1, 1), (1, 2, 0)))
    assert rows(one) == [
        (("s00", True), ("s10", False)),
        (("s00", True), ("s11", True)),
        (("s00", True), ("s12", True)),
    ]
    assert rows(one, neutral="negative")[-1] == (("s00", True), ("s12", False))
    assert left_out(one, neutral="drop") == {"ratings: okay, which the policy drops": 1}


def test_an_alternative_behind_the_last_step_of_the_path() -> None:
    """Phase 1: who gave up has rated candidates for a step and chosen none."""
    steps = [StepRecord(position=0, text="a"), StepRecord(position=1, text="b", chosen=False)]
    one = Record(
        problem=ProblemRecord(statement="What?"),
        solution=SolutionRecord(steps=steps),
        people=[person((0, 0, 1), (1, 0, -1))],
    )
    assert rows(one) == [(("a", True),), (("a", True), ("b", False))]


def test_an_alternative_needs_a_label_on_each_step_before_it() -> None:
    one = record(person((0, 0, None), (1, 0, 1), (1, 1, -1)))
    assert rows(one) == []
    assert left_out(one) == {
        "ratings: after a step without a label": 2,
        "solutions: no label on the first step": 1,
    }
    assert left_out(record(person((0, 0, 1), (2, 0, 1), (2, 1, 1)))) == {"ratings: after a step without a label": 2}


@pytest.mark.parametrize(
    ("after", "expected", "lost"),
    [
        ("leave_out", [], 2),
        ("negative", [(("s00", True), ("s10", False), ("s21", False))], 0),
        ("as_rated", [(("s00", True), ("s10", False), ("s21", True))], 0),
    ],
)
def test_after_the_first_error(after: str, expected: list[Any], lost: int) -> None:
    one = record(person((0, 0, 1), (1, 0, -1), (2, 0, 1), (2, 1, 1)))
    assert rows(one, after_first_error=after)[1:] == expected
    assert left_out(one, after_first_error=after).get("ratings: after the first error", 0) == lost


def test_the_same_text_is_no_second_row_and_never_good_and_bad() -> None:
    said = person((0, 0, 1), (1, 0, 1), (1, 1, 1), (1, 2, -1), (1, 3, -1))
    same = {(1, 0): "x", (1, 1): "x", (1, 2): "y", (1, 3): "y"}
    assert rows(record(said, texts=same)) == [(("s00", True), ("x", True)), (("s00", True), ("y", False))]
    assert left_out(record(said, texts=same)) == {"ratings: of a candidate with the same text and label as another": 2}
    torn = {(1, 0): "x", (1, 2): "x", (1, 1): "y", (1, 3): "y"}
    assert rows(record(said, texts=torn)) == [(("s00", True), ("x", True))]
    assert left_out(record(said, texts=torn)) == {"ratings: of a candidate whose text has another label as well": 3}


def test_a_step_that_the_labeler_wrote_and_chose_is_good() -> None:
    steps = [
        StepRecord(position=0, text="a"),
        StepRecord(position=1, text="b"),
        StepRecord(position=1, candidate=1, text="mine", origin="human", chosen=False),
        StepRecord(position=2, text="c"),
    ]
    said = person((0, 0, 1), (1, 0, -1), (1, 1, None), (2, 0, 1), chosen=[(0, 0), (1, 1)])
    one = Record(problem=ProblemRecord(statement="?"), solution=SolutionRecord(steps=steps), people=[said])
    assert rows(one, after_first_error="as_rated") == [(("a", True), ("b", False)), (("a", True), ("mine", True))]
    assert left_out(one) == {"ratings: after a step that is not the solution's own": 1}


def test_each_person_and_the_majority_rate_alternatives() -> None:
    two = [
        person((0, 0, 1), (1, 0, 1), (1, 1, -1), (1, 2, 1)),
        person((0, 0, 1), (1, 0, 1), (1, 1, -1), (1, 2, -1), name="b"),
    ]
    assert rows(record(*two)) == [(("s00", True), ("s10", True)), (("s00", True), ("s11", False))]
    assert left_out(record(*two)) == {"ratings: people are tied": 1}
    each = rows(record(*two), people="each")
    assert [row[-1] for row in each] == [
        ("s10", True),
        ("s11", False),
        ("s12", True),
        ("s10", True),
        ("s11", False),
        ("s12", False),
    ]
    first = {"ratings: of labelers who were not the first": 4}
    assert left_out(record(*two), people="first") == first


def test_a_judge_rates_alternatives_too() -> None:
    judge = JudgeRecord(
        judge="j",
        steps=[
            VerdictRecord(position=0, rating=1),
            VerdictRecord(position=1, rating=1),
            VerdictRecord(position=1, candidate=2, rating=-1),
        ],
    )
    assert rows(record(judges=[judge]), sources=["judge"]) == [
        (("s00", True), ("s10", True)),
        (("s00", True), ("s12", False)),
    ]


def test_what_a_later_source_and_people_who_do_not_count_say_is_counted() -> None:
    one = record(
        person((0, 0, 1), (1, 1, -1)),
        person((0, 0, -1), name="b", finish="give_up"),
        person((0, 0, -1), (1, 0, -1), name="c", out=True),
        gold=[GoldRating(position=0, rating=-1)],
    )
    assert left_out(one) == {"ratings: of the source human, since an earlier source labels the solution": 5}
    assert left_out(one, sources=["human"]) == {
        "ratings: of assignments that ended in give_up": 1,
        "ratings: of suspended labelers": 2,
    }


# --- real rows --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("format_", ["trl-prm", "math-shepherd"])
def test_every_rating_of_published_rows_leaves_or_is_counted(shared_data: Path, format_: str) -> None:
    published = [json.loads(line) for line in (shared_data / "prm800k.jsonl").read_text().splitlines()]
    policy = LabelPolicy.from_dict({"finish_reasons": ["found_error", "solution", "give_up"], "screening": "keep"})
    for row in published:
        rated = [
            (place, completion["text"], completion["rating"])
            for place, step in enumerate(row["label"]["steps"])
            for completion in step["completions"] or []
            if completion["rating"] is not None
        ]
        written = [step for step in row["label"]["steps"] if step["human_completion"]]
        tally = Tally()
        (one,) = READERS["prm800k"].read(row, ReaderOptions())
        made = list(FORMATS[format_].rows(one, policy, tally))
        doubled = len(rated) - len({(place, text) for place, text, _ in rated})
        reason = "ratings: of a candidate with the same text and label as another"
        assert tally.left_out == ({reason: doubled} if doubled else {})
        assert tally.ratings()["read"] == len(rated) + len(written)
        bad = {(place, text) for place, text, rating in rated if rating == -1}
        marks = [row["labels"][-1] if format_ == "trl-prm" else row["label"].endswith("+") for row in made]
        assert marks.count(False) == len(bad)


# --- whatever is said -------------------------------------------------------------------------------------

RATING = st.sampled_from([-1, 0, 1])
ALTERNATIVES = st.tuples(st.integers(0, 4), st.integers(1, 2))


@st.composite
def records(draw: Any) -> Record:
    path = {(place, 0) for place in range(draw(st.integers(1, 4)))}
    places = sorted(path | draw(st.sets(ALTERNATIVES, max_size=6)))
    length = len(path)
    places = [place for place in places if place[0] <= length]
    steps = [
        StepRecord(
            position=place,
            candidate=number,
            text=draw(st.sampled_from(["x", "y", f"{place}.{number}", "скидки"])),
            origin=draw(st.sampled_from(["model", "human"])),
            chosen=number == 0,
        )
        for place, number in places
    ]

    def people() -> list[PersonRecord]:
        return [
            PersonRecord(
                labeler=str(number),
                finish_reason=draw(st.sampled_from(["solution", "give_up", None])),
                is_quality_control=draw(st.booleans()),
                is_screening=draw(st.booleans()),
                is_suspended=draw(st.booleans()),
                steps=[
                    StepRating(
                        position=place,
                        candidate=candidate,
                        rating=draw(st.sampled_from([-1, 0, 1, None])),
                        unsure=draw(st.sampled_from([True, False, None])),
                        chosen=draw(st.booleans()),
                    )
                    for place, candidate in places
                    if draw(st.booleans())
                ],
            )
            for number in range(draw(st.integers(0, 3)))
        ]

    own = range(length)
    return Record(
        problem=ProblemRecord(statement="What?"),
        solution=SolutionRecord(steps=steps),
        people=people(),
        gold=[GoldRating(position=place, rating=draw(RATING)) for place in own if draw(st.booleans())],
        consensus=[
            ConsensusRating(
                position=place,
                rating=draw(RATING),
                how=draw(st.sampled_from(["majority", "adjudicated"])),
                is_thin=draw(st.booleans()),
            )
            for place in own
            if draw(st.booleans())
        ],
        estimates=[
            EstimateRecord(
                run=number,
                strategy=draw(st.sampled_from(["math-shepherd", "early-stop"])),
                steps=[
                    StepCount(position=place, rollouts=draw(st.integers(0, 4)), successes=0, hard=draw(st.none()))
                    for place in own
                    if draw(st.booleans())
                ],
            )
            for number in range(draw(st.integers(0, 2)))
        ],
        judges=[
            JudgeRecord(
                judge="ab"[number],
                steps=[
                    VerdictRecord(position=place, candidate=candidate, rating=draw(RATING))
                    for place, candidate in places
                    if draw(st.booleans())
                ],
            )
            for number in range(draw(st.integers(0, 2)))
        ],
    )


POLICIES = st.fixed_dictionaries(
    {
        "sources": st.lists(
            st.sampled_from(["gold", "adjudicated", "consensus", "human", "monte_carlo_hard", "judge"]),
            min_size=1,
            max_size=3,
            unique=True,
        ),
        "neutral": st.sampled_from(["positive", "negative", "drop"]),
        "unsure": st.sampled_from(["drop", "positive", "negative"]),
        "after_first_error": st.sampled_from(["leave_out", "negative", "as_rated"]),
        "people": st.sampled_from(["majority", "each", "first"]),
        "alternatives": st.sampled_from(["rows", "drop"]),
        "quality_control": st.sampled_from(["keep", "drop"]),
        "screening": st.sampled_from(["keep", "drop"]),
        "suspended": st.sampled_from(["keep", "drop"]),
        "thin": st.sampled_from(["leave_out", "take"]),
        "step_tag": st.sampled_from(["ки", "<s>"]),
    }
)


def says_something(said: StepRating, solution: SolutionRecord) -> bool:
    written = any(
        step.origin == "human" and said.chosen
        for step in solution.steps
        if (step.position, step.candidate) == (said.position, said.candidate)
    )
    return said.rating is not None or bool(said.unsure) or written


def counts(one: PersonRecord, policy: dict[str, Any]) -> bool:
    return not (
        (one.is_quality_control and not one.is_screening and policy["quality_control"] == "drop")
        or (one.is_screening and policy["screening"] == "drop")
        or (one.is_suspended and policy["suspended"] == "drop")
        or one.finish_reason == "give_up"
    )


def ratings_said(one: Record, policy: dict[str, Any]) -> int:
    """Counted apart from the code under test: of each source of the policy, how many ratings there are."""
    assert one.solution is not None
    by_person = [
        (
            counts(who, policy),
            [(said.position, said.candidate) for said in who.steps if says_something(said, one.solution)],
        )
        for who in one.people
    ]
    reviewed = {(rating.position, 0) for rating in one.consensus if rating.how == "adjudicated"}
    merged = len(reviewed | {place for is_counted, places in by_person if is_counted for place in places})
    apart = sum(len(places) for is_counted, places in by_person if is_counted)
    others = sum(len(places) for is_counted, places in by_person if not is_counted)
    sizes = {
        "gold": len(one.gold),
        "adjudicated": sum(rating.how == "adjudicated" for rating in one.consensus),
        "consensus": len(one.consensus),
        "human": others + (merged if policy["people"] == "majority" else apart),
        "monte_carlo_hard": sum(bool(count.rollouts) for run in one.estimates for count in run.steps),
        "judge": sum(len(judge.steps) for judge in one.judges),
    }
    return sum(sizes[source] for source in policy["sources"])


@given(records(), POLICIES)
@examples(300)
def test_labels_said_are_labels_written_and_left_out(one: Record, policy: dict[str, Any]) -> None:
    for format_ in ("trl-prm", "math-shepherd"):
        tally = Tally()
        made = list(FORMATS[format_].rows(one, LabelPolicy.from_dict(policy), tally))
        ratings = tally.ratings()
        assert ratings["read"] == ratings["written"] + ratings["left_out"] == ratings_said(one, policy)
        assert tally.labels.total() == ratings["written"] + ratings["repeated"] + ratings["made"]
        held = sum(len(row["labels"]) for row in made) if format_ == "trl-prm" else tally.labels.total()
        assert held == tally.labels.total()
        assert bool(made) is not any(reason.startswith("solutions") for reason in tally.left_out)
        assert not any(reason.endswith(": ") for reason in tally.left_out)
        if policy["people"] != "each" and format_ == "trl-prm":
            assert max(Counter(map(repr, made)).values(), default=1) == 1, "no row stands twice"


@given(records(), POLICIES)
@examples(200)
def test_math_shepherd_rows_read_back_as_they_were_written(one: Record, policy: dict[str, Any]) -> None:
    chosen = LabelPolicy.from_dict(policy | {"step_tag": "ки"})
    for row in FORMATS["math-shepherd"].rows(one, chosen, Tally()):
        (again,) = READERS["math-shepherd"].read(row, ReaderOptions())
        assert again.problem.statement == "What?"
        assert again.solution is not None
        (run,) = again.estimates
        signs = "".join("+" if count.hard else "-" for count in run.steps)
        assert row["label"].count("\n") + 1 == len(again.solution.steps) == len(signs)
