"""When gold suspends: soon for labelers who guess, hardly ever for those who are good enough."""

from __future__ import annotations

import random
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.quality.gold.suspension_test import SuspensionTest, likelihood_ratio

RULE = SuspensionTest()


def test_the_evidence_by_hand() -> None:
    """At a pass mark of 3/4: the mean of 1 - a below it is 5/8, over 1/4; of a it is 3/8, over 3/4."""
    assert likelihood_ratio(0, 0, 0.75) == pytest.approx(1)
    assert likelihood_ratio(0, 1, 0.75) == pytest.approx(2.5)
    assert likelihood_ratio(1, 0, 0.75) == pytest.approx(0.5)


@given(st.integers(0, 60), st.integers(0, 60), st.floats(0.05, 0.95))
def test_the_evidence_is_the_integral_that_it_says(hits: int, misses: int, mark: float) -> None:
    cells = 4000
    grid = [(cell + 0.5) / cells * mark for cell in range(cells)]
    ratio = [(a / mark) ** hits * ((1 - a) / (1 - mark)) ** misses for a in grid]
    assert likelihood_ratio(hits, misses, mark) == pytest.approx(sum(ratio) / cells, rel=2e-3)


@given(st.integers(1, 80), st.data())
def test_a_hit_weighs_against_and_a_miss_for_suspension(tasks: int, data: Any) -> None:
    hits = data.draw(st.integers(0, tasks - 1))
    assert likelihood_ratio(hits, tasks - hits, 0.75) > likelihood_ratio(hits + 1, tasks - hits - 1, 0.75)


def test_nobody_is_suspended_before_the_minimum() -> None:
    assert [RULE.evaluate([False] * tasks).suspend for tasks in (0, 3, 4, 5)] == [False, False, False, True]
    assert not SuspensionTest(minimum=10).evaluate([False] * 9).suspend


def test_three_of_ten_are_enough_and_six_of_ten_are_not() -> None:
    few = RULE.evaluate([True, False, False, True, False, False, True, False, False, False])
    assert (few.suspend, few.hits, few.tasks) == (True, 3, 10)
    assert not RULE.evaluate([True] * 6 + [False] * 4).suspend


def test_what_lies_behind_the_window_does_not_count() -> None:
    """A hundred hits long ago do not save who has stopped looking; nor do old misses ruin who has learnt."""
    rule = SuspensionTest(window=20)
    assert SuspensionTest(window=200).evaluate([True] * 100 + [True, False] * 10).suspend is False
    assert rule.evaluate([True] * 100 + [False, False, True] * 7).suspend
    assert not rule.evaluate([False] * 30 + [True] * 20).suspend


@pytest.mark.parametrize(("accuracy", "tasks"), [(0.1, 5.7), (0.2, 7.1), (0.25, 8.2), (0.4, 14.8), (0.5, 27.1)])
def test_how_many_gold_tasks_a_spammer_lasts(accuracy: float, tasks: float) -> None:
    """The table of docs/quality.md: the mean number of gold tasks until suspension, at the defaults."""
    expected = RULE.forecast(accuracy)
    assert expected.mean_tasks == pytest.approx(tasks, abs=0.05)
    assert expected.probability > 0.99


@pytest.mark.parametrize(("accuracy", "chance"), [(0.75, 0.021), (0.8, 0.004), (0.85, 0.001), (0.9, 0.0001)])
def test_how_seldom_who_is_good_enough_is_suspended(accuracy: float, chance: float) -> None:
    """The table of docs/quality.md: within 100 gold tasks, looked at after each."""
    assert RULE.forecast(accuracy).probability == pytest.approx(chance, abs=0.0005)


@pytest.mark.slow
@pytest.mark.parametrize(("mark", "error"), [(0.5, 0.05), (0.75, 0.05), (0.75, 0.2), (0.9, 0.01)])
def test_at_the_pass_mark_the_promised_error_is_kept(mark: float, error: float) -> None:
    """Ville's inequality, for as many looks as one likes."""
    rule = SuspensionTest(pass_mark=mark, error=error, minimum=1, window=150)
    assert 0 < rule.forecast(mark).probability <= error


def test_the_forecast_is_what_all_possible_runs_come_to() -> None:
    """Every sequence of 10 marks, with its chance."""
    rule, accuracy = SuspensionTest(minimum=3, window=10), 0.3
    chance = mean = 0.0
    for run in product([True, False], repeat=10):
        weight = accuracy ** sum(run) * (1 - accuracy) ** (10 - sum(run))
        ends = [tasks for tasks in range(1, 11) if rule.evaluate(run[:tasks]).suspend]
        if ends:
            chance += weight
            mean += weight * ends[0]
    expected = rule.forecast(accuracy)
    assert expected.probability == pytest.approx(chance)
    assert expected.mean_tasks == pytest.approx(mean / chance)


def test_guessing_labelers_are_found_as_forecast() -> None:
    rng = random.Random(5)
    lasted = []
    for _ in range(400):
        run: list[bool] = []
        while not RULE.evaluate(run).suspend:
            run.append(rng.random() < 0.25)
        lasted.append(len(run))
    assert sum(lasted) / len(lasted) == pytest.approx(8.2, abs=0.7)


@pytest.mark.parametrize("field", [{"pass_mark": 1.0}, {"error": 0.0}, {"minimum": 0}, {"window": 4}])
def test_a_rule_out_of_bounds_is_named(field: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(field))):
        SuspensionTest(**field)
