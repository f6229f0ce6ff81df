"""The labels of each aggregation rule, and how often they are right for labelers of known error rates."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import DomainError
from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.aggregation import RULES, rule_of
from apps.quality.aggregation.base import AggregationResult
from apps.quality.aggregation.processbench import (
    ProcessBenchOptions,
    ProcessBenchResult,
    ProcessBenchState,
    processbench_result,
)
from apps.quality.statistics.ratings import Floats
from tests.quality.rating_tables import ratings_of
from tests.quality.simulation import (
    SPAMMER,
    exactness,
    exactness_of_each,
    exactness_of_settled,
    labeler,
    simulate,
)


def aggregate(rule: str, *table: list[str], order: list[int] | None = None, **options: Any) -> AggregationResult:
    return rule_of(rule, options).aggregate(ratings_of(table, order))


# --- majority -----------------------------------------------------------------------------------------------


def test_the_majority_labels_each_step() -> None:
    result = aggregate("majority", ["+0-", "+0-", "0-"], ["+", "-", ""])
    assert result.labels.tolist() == [1, 0, -1, UNKNOWN]
    assert result.certainty == pytest.approx([2.5 / 4, 2.5 / 4, 2.5 / 3, 0])
    assert result.first_errors.tolist() == [2, UNKNOWN]
    assert result.first_error_certainty == pytest.approx([2.5 / 4, 0])


def test_a_tie_is_no_label() -> None:
    for tie in (["+", "0", "-"], ["0", "-"], ["+", "-"]):
        assert aggregate("majority", tie).labels.tolist() == [UNKNOWN]


def test_okay_against_great_is_okay_and_leaves_the_first_error_settled() -> None:
    result = aggregate("majority", ["+++", "+0+"], ["+-", "0-"])
    assert result.labels.tolist() == [1, 0, 1, 0, -1]
    assert result.first_errors.tolist() == [-1, 1]
    assert result.first_error_certainty == pytest.approx([2.5 / 3, 2.5 / 3])


def test_the_certainty_of_a_first_error_is_how_many_name_it_and_not_how_many_call_the_step_bad() -> None:
    """Four of six call the third step bad, and it is the first that most call so; but only two call none before it so."""
    result = aggregate("majority", ["-++", "+-+", "++-", "++-", "+--", "-+-"])
    assert result.first_errors.tolist() == [2]
    assert result.certainty[2] == pytest.approx(4.5 / 7)
    assert result.first_error_certainty == pytest.approx([2.5 / 7])


# --- ProcessBench -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first_errors", "expected"),
    [
        ([], ProcessBenchResult(ProcessBenchState.OPEN, UNKNOWN, 0, 0, 3)),
        ([2], ProcessBenchResult(ProcessBenchState.OPEN, UNKNOWN, 1, 1, 2)),
        ([2, 2], ProcessBenchResult(ProcessBenchState.OPEN, UNKNOWN, 2, 2, 1)),
        ([2, 2, 2], ProcessBenchResult(ProcessBenchState.SETTLED, 2, 3, 3, 0)),
        ([2, 2, 3], ProcessBenchResult(ProcessBenchState.OPEN, UNKNOWN, 2, 3, 1)),
        ([2, 2, 3, 3], ProcessBenchResult(ProcessBenchState.OPEN, UNKNOWN, 2, 4, 1)),
        ([2, 2, 3, 3, 3], ProcessBenchResult(ProcessBenchState.SETTLED, 3, 3, 5, 0)),
        ([2, 2, 3, 3, 4], ProcessBenchResult(ProcessBenchState.DISCARDED, UNKNOWN, 2, 5, 0)),
        (
            [1, 2, 3, 4],
            ProcessBenchResult(ProcessBenchState.DISCARDED, UNKNOWN, 1, 4, 0),
        ),  # One more could not bring three together.
        ([NO_ERROR] * 3, ProcessBenchResult(ProcessBenchState.SETTLED, NO_ERROR, 3, 3, 0)),
        (
            [2, 2, 2, 4, 4, 4, 4],
            ProcessBenchResult(ProcessBenchState.SETTLED, 2, 3, 3, 0),
        ),  # The first three to agree, not the most.
        (
            [1, 2, 1, 2, 3, 1, 1],
            ProcessBenchResult(ProcessBenchState.DISCARDED, UNKNOWN, 2, 5, 0),
        ),  # Nobody is heard after the fifth.
        ([UNKNOWN, 2, 2], ProcessBenchResult(ProcessBenchState.OPEN, UNKNOWN, 2, 3, 1)),
        ([UNKNOWN, UNKNOWN, UNKNOWN], ProcessBenchResult(ProcessBenchState.DISCARDED, UNKNOWN, 0, 3, 0)),
    ],
)
def test_more_are_asked_only_where_needed(first_errors: list[int], expected: ProcessBenchResult) -> None:
    assert processbench_result(first_errors) == expected


def test_how_many_must_agree_among_how_many_is_a_setting() -> None:
    two_of_three = ProcessBenchOptions(agreeing=2, limit=3)
    assert processbench_result([1, 1], two_of_three).state is ProcessBenchState.SETTLED
    assert processbench_result([1, 2], two_of_three).more_labelers == 1
    assert processbench_result([1, 2, 3], two_of_three).state is ProcessBenchState.DISCARDED


@given(st.lists(st.integers(-2, 4), max_size=8))
def test_asking_goes_on_until_it_is_met_or_given_up_and_never_past_the_limit(first_errors: list[int]) -> None:
    result = processbench_result(first_errors)
    assert (result.more_labelers > 0) == (result.state is ProcessBenchState.OPEN)
    assert result.labelers + result.more_labelers <= 5
    if result.state is not ProcessBenchState.OPEN:
        assert processbench_result([*first_errors, 7]) == result


def test_processbench_labels_the_steps_up_to_the_first_error_that_three_name() -> None:
    result = aggregate("processbench", ["+0-", "++-", "00-", "-"], ["+-+", "-+", "++", ""], ["-", "-", "", ""])
    assert result.labels.tolist() == [1, 0, -1, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN]
    assert result.first_errors.tolist() == [2, UNKNOWN, UNKNOWN]
    assert result.certainty == pytest.approx([0.875, 0.875, 0.875, 0, 0, 0, 0])
    assert result.discarded.tolist() == [False, False, False]


def test_processbench_takes_people_in_the_order_of_submission() -> None:
    row = ["++", "++", "+-", "+-", "+-", "++"]
    assert aggregate("processbench", row, order=[0, 1, 2, 3, 4, 5]).first_errors.tolist() == [1]
    result = aggregate("processbench", row, order=[0, 1, 5, 2, 3, 4])
    assert result.first_errors.tolist() == [NO_ERROR]
    assert result.labels.tolist() == [1, 1]


def test_processbench_gives_up_what_five_cannot_settle() -> None:
    result = aggregate("processbench", ["-++", "-++", "+-+", "+-+", "++-"])
    assert result.discarded.tolist() == [True]
    assert result.labels.tolist() == [UNKNOWN] * 3


# --- any rule -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", RULES)
def test_where_all_say_the_same_every_rule_says_it_too(name: str) -> None:
    result = aggregate(name, ["+0-"] * 3, ["++"] * 3, ["-"] * 3)
    assert result.labels.tolist() == [1, 0, -1, 1, 1, -1]
    assert result.first_errors.tolist() == [2, NO_ERROR, 0]
    assert not result.discarded.any()


@pytest.mark.parametrize("name", RULES)
def test_without_ratings_no_rule_has_a_label(name: str) -> None:
    result = aggregate(name, ["..", ".."], ["+", "+"])
    assert result.labels.tolist()[:2] == [UNKNOWN, UNKNOWN]
    assert result.first_errors[0] == UNKNOWN
    assert result.certainty[:2].tolist() == [0, 0]
    assert result.first_error_certainty[0] == 0


@pytest.mark.parametrize("name", RULES)
@given(
    table=st.lists(
        st.lists(st.text(alphabet="+0-.", min_size=1, max_size=4), min_size=4, max_size=4), min_size=1, max_size=6
    )
)
def test_every_rule_is_sure_exactly_where_it_says_something(name: str, table: list[list[str]]) -> None:
    result = aggregate(name, *table)
    assert ((result.certainty > 0) == (result.labels != UNKNOWN)).all()
    assert (result.certainty <= 1 + 1e-9).all()
    assert (result.first_error_certainty[result.first_errors == UNKNOWN] == 0).all()
    assert (result.first_errors[result.discarded] == UNKNOWN).all()


def test_a_rule_that_there_is_not_is_named_with_those_that_there_are() -> None:
    with pytest.raises(DomainError) as caught:
        rule_of("oracle", {})
    assert caught.value.fields == {"rule": "must be one of majority, processbench, dawid-skene"}


@pytest.mark.parametrize(
    ("rule", "options", "named"),
    [
        ("processbench", {"agreeing": 6}, "agreeing"),
        ("processbench", {"limit": 0}, "limit"),
        ("dawid-skene", {"prior_accuracy": 1}, "prior_accuracy"),
        ("dawid-skene", {"tolerance": 0}, "tolerance"),
        ("majority", {"speed": 1}, "speed"),
    ],
)
def test_settings_out_of_bounds_are_named(rule: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(DomainError) as caught:
        rule_of(rule, options)
    assert named in caught.value.fields["options"]


# --- how right they are -------------------------------------------------------------------------------------


def test_dawid_skene_and_processbench_beat_single_labels_and_the_majority() -> None:
    """Three who err in 5, 10 and 15 % of steps and a spammer, over 200 solutions of known truth; ten such worlds.

    Of first errors found, Dawid-Skene is 25 points above one labeler's, 12 above the majority and above even the best
    labeler. Of those that ProcessBench's rule settles, it is 2 points above those that the majority settles.
    """
    worlds = [
        simulate([labeler(0.05), labeler(0.10), labeler(0.15), SPAMMER], solutions=200, seed=seed) for seed in range(10)
    ]
    found = {name: [rule_of(name, {}).aggregate(world.ratings).first_errors for world in worlds] for name in RULES}
    whole = {
        name: np.mean([exactness(w, e) for w, e in zip(worlds, result, strict=True)]) for name, result in found.items()
    }
    settled = {
        name: np.mean([exactness_of_settled(w, e) for w, e in zip(worlds, result, strict=True)])
        for name, result in found.items()
    }
    each = np.mean([exactness_of_each(world) for world in worlds], axis=0)
    assert whole["dawid-skene"] > 0.9
    assert whole["dawid-skene"] > each.mean() + 0.25
    assert whole["dawid-skene"] > each.max() + 0.03
    assert whole["dawid-skene"] > whole["majority"] + 0.12
    assert settled["processbench"] > 0.98
    assert settled["processbench"] > settled["majority"] + 0.02
    assert settled["processbench"] > each.max() + 0.10


@pytest.mark.parametrize(("low", "high"), [(0.3, 0.6), (0.6, 0.8), (0.8, 0.9), (0.9, 0.97), (0.97, 1.01)])
def test_the_certainty_of_dawid_skene_means_what_it_says(low: float, high: float) -> None:
    """Of first errors told with so much certainty, that share is right: within 5 points, over 20 worlds."""
    certainty, right = certainties()
    inside = (certainty >= low) & (certainty < high)
    assert inside.sum() > 100
    assert right[inside].mean() == pytest.approx(certainty[inside].mean(), abs=0.05)


@cache
def certainties() -> tuple[Floats, Floats]:
    certainty, right = [], []
    for seed in range(20):
        world = simulate([labeler(0.05), labeler(0.10), labeler(0.15), SPAMMER], solutions=200, seed=seed)
        result = rule_of("dawid-skene", {}).aggregate(world.ratings)
        certainty.append(result.first_error_certainty)
        right.append(result.first_errors == world.first_errors)
    return np.concatenate(certainty), np.concatenate(right)
