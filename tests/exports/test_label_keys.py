"""The policy keys of labels: several sources, steps without a label, minimum counts, values beside labels."""

from __future__ import annotations

from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.statistics import wilson
from apps.corpus.records import ConsensusRating, EstimateRecord, GoldRating, Record, StepCount
from apps.exports.formats import FORMATS
from apps.exports.formats.base import check_step_columns
from apps.exports.labels.columns.values import wilson_expr
from apps.exports.policy import LabelPolicy, PolicyError
from apps.exports.tally import Tally
from tests.exports.test_labels import labels, person, record


def run(*successes: int | None, rollouts: int = 4, number: int = 1) -> EstimateRecord:
    counts = [
        StepCount(position=place, rollouts=rollouts, successes=hits)
        for place, hits in enumerate(successes)
        if hits is not None
    ]
    return EstimateRecord(run=number, steps=counts)


def rows(one: Record, tally: Tally | None = None, format_: str = "trl-prm", **policy: Any) -> list[dict[str, Any]]:
    chosen = LabelPolicy.from_dict(policy)
    FORMATS[format_].check(chosen)
    made = list(FORMATS[format_].rows(one, chosen, Tally() if tally is None else tally))
    assert pa.Table.from_pylist(made, schema=FORMATS[format_].schema(chosen)).to_pylist() == made
    return made


def adds_up(tally: Tally, read: int) -> None:
    assert tally.ratings()["read"] == read


TWO_SOURCES = record(people=[person("a", 1, None, -1, finish="found_error")], estimates=[run(4, 3, 2, 0)])


def test_each_step_has_the_label_of_the_first_source_that_rates_it() -> None:
    sources = ["human", "monte_carlo_hard"]
    assert labels(TWO_SOURCES, sources=sources) == [[1, None, -1, None]]
    assert labels(TWO_SOURCES, sources=sources, combine="step") == [[1, 1, -1, None]]
    tally = Tally()
    assert rows(TWO_SOURCES, tally, sources=sources, combine="step")[0]["labels"] == [True, True, False]
    assert tally.left_out == {
        "ratings: of the source monte_carlo_hard, since an earlier source labels the step": 2,
        "ratings: the labeler is unsure": 1,
        "ratings: after the first error": 1,
    }
    adds_up(tally, 7)


def test_sources_vote_and_a_tie_makes_no_label() -> None:
    gold = [GoldRating(position=2, rating=1)]
    three = record(people=TWO_SOURCES.people, estimates=TWO_SOURCES.estimates, gold=gold)
    policy = {"sources": ["gold", "human", "monte_carlo_hard"], "combine": "votes", "after_first_error": "as_rated"}
    assert labels(three, **policy) == [[1, 1, 1, -1]]
    tied = {**policy, "sources": ["human", "monte_carlo_hard"]}
    assert labels(TWO_SOURCES, **tied) == [[1, 1, None, -1]]
    tally = Tally()
    rows(TWO_SOURCES, tally, **tied)
    assert tally.left_out["ratings: the sources are tied"] == 1


def test_a_step_without_a_label_is_masked_where_the_policy_says_so() -> None:
    one = record(people=[person("a", 1, None, 1, -1)])
    assert rows(one)[0]["labels"] == [True]
    tally = Tally()
    (row,) = rows(one, tally, unlabeled="mask")
    assert (len(row["completions"]), row["labels"]) == (4, [1, -100, 1, 0])
    assert (tally.labels, tally.left_out) == ({"1": 2, "-1": 1}, {"ratings: the labeler is unsure": 1})
    assert rows(one, format_="qwen-prm", unlabeled="mask")[0]["step_labels"] == [1, -100, 1, 0]
    assert rows(record(people=[person("a", None, None)]), unlabeled="mask") == []


def test_what_follows_the_first_error_is_masked_too() -> None:
    one = record(people=[person("a", 1, -1, 1, finish="found_error")])
    tally = Tally()
    assert rows(one, tally, unlabeled="mask")[0]["labels"] == [1, 0, -100, -100]
    assert tally.left_out == {"ratings: after the first error": 1}


def test_labels_need_enough_rollouts_or_enough_people() -> None:
    few = record(estimates=[run(1, 1, rollouts=2), run(1, None, 1, rollouts=8, number=2)])
    assert labels(few, sources=["monte_carlo_hard"], minimum_rollouts=9) == []
    assert labels(few, sources=["monte_carlo_hard"], minimum_rollouts=8) == [[1, None, 1, None]]
    people = record(people=[person("a", 1, 1, 1), person("b", 1, -1, finish="found_error")])
    assert labels(people, minimum_labels=2, thin="take") == [[1, None, None, None]]
    tally = Tally()
    rows(people, tally, minimum_labels=2, thin="take")
    assert tally.left_out["ratings: rated by fewer people than minimum_labels"] == 1


def test_a_consensus_needs_enough_people_unless_a_reviewer_decided() -> None:
    """Counted by the consensus, which takes people's newest submissions from all rounds."""
    consensus = [
        ConsensusRating(position=0, rating=1, how="majority", people=3),
        ConsensusRating(position=1, rating=1, how="adjudicated", people=1),
        ConsensusRating(position=2, rating=1, how="majority", people=1, is_thin=True),
        ConsensusRating(position=3, rating=1, how="majority"),
    ]
    one = record(consensus=consensus)
    for thin in ("take", "leave_out"):
        tally = Tally()
        policy = {"sources": ["consensus"], "minimum_labels": 2, "thin": thin}
        assert rows(one, tally, **policy)[0]["labels"] == [True, True]
        assert tally.left_out == {"ratings: rated by fewer people than minimum_labels": 2}
        adds_up(tally, 4)


def test_values_stand_beside_the_labels_with_interval_and_advantage() -> None:
    (row,) = rows(record(estimates=[run(4, 3, 2, 1)]), columns=["values"])
    assert row["values"] == [1.0, 0.75, 0.5, 0.25]
    assert row["rollouts"] == [4, 4, 4, 4]
    assert row["advantages"] == [None, -0.25, -0.25, -0.25]
    assert (row["value_lows"][1], row["value_highs"][1]) == pytest.approx(wilson(3, 4))
    searched = EstimateRecord(run=2, strategy="posterior-search", steps=run(1, 1, 1, 1).steps)
    (unbiased,) = rows(record(estimates=[run(4, 3, 2, 1), searched]), columns=["values"])
    assert unbiased["values"] == [1.0, 0.75, 0.5, 0.25], "shares of a search are biased, and never exported"
    (none,) = rows(record(estimates=[searched]), columns=["values"])
    assert set(none["values"]) == {None}
    (gold,) = rows(record(gold=[GoldRating(position=0, rating=1)], estimates=[]), columns=["values"])
    assert gold["values"] == gold["advantages"] == [None]


@given(st.integers(0, 50), st.integers(1, 50))
def test_the_interval_is_that_of_the_statistics(hits: int, more: int) -> None:
    trials = hits + more
    low, high = wilson_expr(pl.lit(hits / trials), pl.lit(float(trials)))
    assert pl.select(low.alias("low"), high.alias("high")).row(0) == pytest.approx(wilson(hits, trials))


@pytest.mark.parametrize(
    ("key", "policy"),
    [
        ("combine", {"combine": "step", "people": "each"}),
        ("minimum_rollouts", {"minimum_rollouts": 4, "sources": ["human"]}),
        ("minimum_labels", {"minimum_labels": 2, "sources": ["gold"]}),
    ],
)
def test_a_key_that_would_change_nothing_is_refused(key: str, policy: dict[str, Any]) -> None:
    with pytest.raises(PolicyError) as refused:
        LabelPolicy.from_dict(policy)
    assert refused.value.key == key


@pytest.mark.parametrize(
    ("key", "policy"),
    [("unlabeled", {"unlabeled": "mask"}), ("columns", {"columns": ["values"]}), ("columns", {"columns": ["votes"]})],
)
@pytest.mark.parametrize("format_", ["math-shepherd", "openrlhf-prm", "orm", "annotate"])
def test_a_format_refuses_what_it_cannot_hold(format_: str, key: str, policy: dict[str, Any]) -> None:
    with pytest.raises(PolicyError, match=key):
        check_step_columns(FORMATS[format_], LabelPolicy.from_dict(policy))
