"""From what was said to one label per step, by the policy."""

from __future__ import annotations

from typing import Any

import pytest

from apps.corpus.records import (
    ConsensusRating,
    EstimateRecord,
    GoldRating,
    PersonRecord,
    ProblemRecord,
    Record,
    SolutionRecord,
    StepCount,
    StepRating,
    StepRecord,
)
from apps.exports.labels.steps import is_selected, resolve
from apps.exports.policy import LabelPolicy, PolicyError, split_of

STEPS = 4


def person(name: str, *ratings: int | None, finish: str = "solution", **fields: Any) -> PersonRecord:
    said = [StepRating(position=place, rating=one, unsure=one is None) for place, one in enumerate(ratings)]
    return PersonRecord(labeler=name, finish_reason=finish, steps=said, **fields)


def record(**fields: Any) -> Record:
    steps = [StepRecord(position=place, text=f"Step {place}.") for place in range(STEPS)]
    return Record(
        problem=ProblemRecord(statement="What?", subject="Algebra"),
        solution=SolutionRecord(steps=steps, source="model-a", is_correct=False),
        **fields,
    )


def labels(one: Record, **policy: Any) -> list[list[int | None]]:
    return [list(labeled.labels) for labeled in resolve(one, LabelPolicy.from_dict(policy))]


def test_the_first_source_that_says_anything_labels_all() -> None:
    gold = [GoldRating(position=0, rating=-1)]
    runs = [
        EstimateRecord(run=1, steps=[StepCount(position=place, rollouts=4, successes=4 - place) for place in range(4)])
    ]
    one = record(people=[person("a", 1, 1, -1)], gold=gold, estimates=runs)
    assert labels(one) == [[-1, None, None, None]]
    assert labels(one, sources=["human"]) == [[1, 1, -1, None]]
    assert labels(one, sources=["monte_carlo_hard", "human"]) == [[1, 1, 1, 1]]
    assert labels(record(), sources=["human"]) == []


@pytest.mark.parametrize(("neutral", "label"), [("positive", 1), ("negative", -1), ("own_class", 0), ("drop", None)])
def test_neutral_becomes_what_the_policy_says(neutral: str, label: int | None) -> None:
    assert labels(record(people=[person("a", 1, 0)]), neutral=neutral, after_first_error="as_rated")[0][:2] == [
        1,
        label,
    ]


@pytest.mark.parametrize(("unsure", "label"), [("drop", None), ("positive", 1), ("negative", -1)])
def test_unsure_becomes_what_the_policy_says(unsure: str, label: int | None) -> None:
    assert labels(record(people=[person("a", 1, None)]), unsure=unsure)[0][:2] == [1, label]


@pytest.mark.parametrize(
    ("after", "expected"),
    [("leave_out", [1, -1, None, None]), ("negative", [1, -1, -1, -1]), ("as_rated", [1, -1, 1, None])],
)
def test_steps_after_the_first_error(after: str, expected: list[int | None]) -> None:
    assert labels(record(people=[person("a", 1, -1, 1)]), after_first_error=after) == [expected]


def test_what_stands_and_reviewers_words_are_sources() -> None:
    stands = [
        ConsensusRating(position=0, rating=1, how="majority", certainty=0.67),
        ConsensusRating(position=1, rating=-1, how="adjudicated", certainty=1.0),
    ]
    one = record(people=[person("a", -1)], consensus=stands)
    assert labels(one, sources=["consensus"]) == [[1, -1, None, None]]
    assert labels(one, sources=["adjudicated", "human"]) == [[None, -1, None, None]]
    assert labels(record(people=[person("a", -1)]), sources=["adjudicated", "human"]) == [[-1, None, None, None]]


def test_never_negative_by_itself_where_nobody_judged() -> None:
    """What nobody rated has no label under the default policy."""
    assert labels(record(people=[person("a", 1)])) == [[1, None, None, None]]


def test_several_people() -> None:
    three = record(people=[person("a", 1, 1, 1), person("b", 1, -1), person("c", -1)])
    assert labels(three, people="majority", after_first_error="as_rated") == [[1, None, 1, None]]
    assert labels(three, people="first") == [[1, 1, 1, None]]
    assert labels(three, people="each") == [[1, 1, 1, None], [1, -1, None, None], [-1, None, None, None]]


def test_who_gave_up_and_who_was_tested_does_not_count() -> None:
    gave_up = person("a", 1, -1, finish="give_up")
    tested = person("b", -1, is_quality_control=True)
    assert labels(record(people=[gave_up, tested])) == []
    assert labels(record(people=[gave_up]), finish_reasons=["give_up"]) == [[1, -1, None, None]]
    assert labels(record(people=[tested]), quality_control="keep") == [[-1, None, None, None]]
    assert labels(record(people=[person("c", 1, round=2)]), rounds=[3]) == []


def test_filters() -> None:
    assert is_selected(record(), LabelPolicy.from_dict({"answers": "wrong", "generators": ["model-a"]}))
    assert not is_selected(record(), LabelPolicy.from_dict({"answers": "right"}))
    assert not is_selected(record(), LabelPolicy.from_dict({"generators": ["model-b"]}))
    assert not is_selected(record(), LabelPolicy.from_dict({"subjects": ["Geometry"]}))


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"neutral": "maybe"}, "neutral"),
        ({"sources": []}, "sources"),
        ({"sources": ["guess"]}, "sources"),
        ({"colour": 1}, "colour"),
        ({"rounds": ["one"]}, "rounds"),
        ({"splits": {"train": 0.5}}, "splits"),
        ({"splits": {"train": 1.5, "test": -0.5}}, "splits"),
        ({"splits": {"../x": 1.0}}, "splits"),
    ],
)
def test_a_policy_that_cannot_be_names_its_key(given: dict[str, Any], key: str) -> None:
    with pytest.raises(PolicyError) as error:
        LabelPolicy.from_dict(given)
    assert key in str(error.value.fields if hasattr(error.value, "fields") else error.value)


def test_splits_go_by_problem_and_by_their_shares() -> None:
    policy = LabelPolicy.from_dict({"splits": {"train": 0.8, "test": 0.2}})
    found = [split_of(f"Problem {number}", policy) for number in range(2000)]
    assert 340 < found.count("test") < 460
    assert found == [split_of(f"Problem {number}", policy) for number in range(2000)]
    other = LabelPolicy.from_dict({"splits": {"train": 0.8, "test": 0.2}, "split_seed": "other"})
    assert found != [split_of(f"Problem {number}", other) for number in range(2000)]


def test_soft_labels_are_good_from_the_threshold_on_and_of_runs_with_unbiased_shares_only() -> None:
    def run(number: int, strategy: str, *successes: int) -> EstimateRecord:
        steps = [StepCount(position=place, rollouts=8, successes=one) for place, one in enumerate(successes)]
        return EstimateRecord(run=number, strategy=strategy, steps=[*steps, StepCount(position=3, hard=False)])

    one = record(estimates=[run(1, "math-shepherd", 8, 4, 1), run(2, "posterior-search", 0, 0, 0)])
    soft = {"sources": ["monte_carlo_soft"], "after_first_error": "as_rated"}
    assert labels(one, **soft) == [[1, 1, -1, -1]]
    assert labels(one, **soft, soft_threshold=0.6) == [[1, -1, -1, -1]]
    hard = {"sources": ["monte_carlo_hard"], "after_first_error": "as_rated"}
    assert labels(one, **hard) == [[-1, -1, -1, -1]]
    assert labels(one, **hard, estimation_runs=[1]) == [[1, 1, 1, -1]]


@pytest.mark.parametrize(
    ("policy", "key"),
    [({"subjects": ["\x00"]}, "subjects"), ({"split_seed": "\ud800"}, "split_seed"), ({"rounds": [10**30]}, "rounds")],
)
def test_what_no_text_or_number_of_a_project_can_be_is_refused(policy: dict[str, Any], key: str) -> None:
    with pytest.raises(PolicyError) as caught:
        LabelPolicy.from_dict(policy)
    assert caught.value.key == key
