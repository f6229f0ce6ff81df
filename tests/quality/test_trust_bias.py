"""Bias of scripted judges, against computations by loops."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.statistics import Proportion, wilson
from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.statistics.ratings import ints
from apps.quality.trust.bias import (
    LEFT,
    RIGHT,
    TIE,
    pair_length_bias,
    position_bias,
    self_preference,
    share_difference,
    solution_length_bias,
)
from apps.quality.trust.judged_steps import JudgedSolutions
from tests.quality.scripted_judges import judged_by_script

CHOICES = st.sampled_from((LEFT, TIE, RIGHT, UNKNOWN))


def pearson(pairs: list[tuple[float, float]]) -> float:
    n = len(pairs)
    mean_x, mean_y = sum(x for x, _ in pairs) / n, sum(y for _, y in pairs) / n
    covariance = sum((x - mean_x) * (y - mean_y) for x, y in pairs)
    spread_x, spread_y = sum((x - mean_x) ** 2 for x, _ in pairs), sum((y - mean_y) ** 2 for _, y in pairs)
    return float(covariance / (spread_x * spread_y) ** 0.5)


@given(st.lists(st.tuples(CHOICES, CHOICES), max_size=40))
def test_flips_are_counted_as_one_would_by_hand(verdicts: list[tuple[int, int]]) -> None:
    bias = position_bias(ints([first for first, _ in verdicts]), ints([second for _, second in verdicts]))
    readable = [pair for pair in verdicts if UNKNOWN not in pair]
    flipped = [(one, other) for one, other in readable if one != other]
    # The side shown first wins in one order, or loses in neither.
    to_first = sum((one == LEFT) + (other == RIGHT) > (one == RIGHT) + (other == LEFT) for one, other in flipped)
    assert bias.flips.value == (pytest.approx(len(flipped) / len(readable)) if readable else None)
    assert bias.first_shown.value == (pytest.approx(to_first / len(flipped)) if flipped else None)
    assert (bias.flips.solutions, bias.first_shown.solutions) == (len(readable), len(flipped))
    if readable:
        assert (bias.flips.low, bias.flips.high) == pytest.approx(wilson(len(flipped), len(readable)))


def test_a_judge_that_always_prefers_what_it_sees_first() -> None:
    bias = position_bias(np.full(50, LEFT), np.full(50, RIGHT))
    assert (bias.flips.value, bias.first_shown.value) == (1, 1)
    assert bias.first_shown.low == pytest.approx(wilson(50, 50)[0])


def test_a_scripted_flip_rate_lies_in_its_interval() -> None:
    """A fifth of the verdicts follow the position, three quarters of these to the side shown first."""
    rng = np.random.default_rng(4)
    true = rng.choice((LEFT, RIGHT), 3000)
    follows, to_first = rng.random(3000) < 0.2, rng.random(3000) < 0.75
    left_first = np.where(follows, np.where(to_first, LEFT, RIGHT), true)
    right_first = np.where(follows, np.where(to_first, RIGHT, LEFT), true)
    bias = position_bias(left_first, right_first)
    assert bias.flips.low <= 0.2 <= bias.flips.high  # type: ignore[operator]
    assert bias.first_shown.low <= 0.75 <= bias.first_shown.high  # type: ignore[operator]


@given(st.lists(st.tuples(CHOICES, CHOICES, st.integers(1, 4), st.integers(1, 4), CHOICES), max_size=40))
def test_the_preference_for_the_longer_side(rows: list[tuple[int, int, int, int, int]]) -> None:
    columns = list(zip(*rows, strict=True)) or [()] * 5
    bias = pair_length_bias(
        ints(columns[0]), ints(columns[1]), np.array(columns[2], float), np.array(columns[3], float), ints(columns[4])
    )
    consistent = [row for row in rows if row[0] == row[1] and row[0] in {LEFT, RIGHT} and row[2] != row[3]]
    longer = [(LEFT if left > right else RIGHT) == verdict for verdict, _, left, right, _ in consistent]
    asked = [row for row in consistent if row[4] in {LEFT, RIGHT}]
    by_people = [(LEFT if left > right else RIGHT) == choice for _, _, left, right, choice in asked]
    assert bias.longer.value == (pytest.approx(sum(longer) / len(longer)) if longer else None)
    assert bias.people.value == (pytest.approx(sum(by_people) / len(by_people)) if by_people else None)


def test_length_equals_a_computation_by_loops() -> None:
    judged = judged_by_script(400, finds=0.7, clears=0.93, seed=8, silent=0.05)
    bias = solution_length_bias(judged)
    rows = [
        (float(length), float(named >= 0), float(NO_ERROR not in errors))
        for named, errors, length in zip(judged.named.tolist(), judged.accepted, judged.lengths.tolist(), strict=True)
        if named != UNKNOWN
    ]
    xy, xz, yz = (
        pearson([(x, y) for x, y, _ in rows]),
        pearson([(x, z) for x, _, z in rows]),
        pearson([r[1:] for r in rows]),
    )
    assert bias.overall.value == pytest.approx(xy)
    assert bias.without_error.value == pytest.approx(pearson([(x, y) for x, y, z in rows if not z]))
    assert bias.given_truth.value == pytest.approx((xy - xz * yz) / ((1 - xz**2) * (1 - yz**2)) ** 0.5)
    assert bias.overall.solutions == len(rows)


def test_length_matters_only_as_far_as_the_script_says() -> None:
    """Errors are more frequent in long solutions; a judge that only follows the truth has no bias given the truth."""
    rng = np.random.default_rng(6)
    lengths = rng.integers(2, 12, 4000)
    is_erroneous = rng.random(4000) < lengths / 14
    says_error = np.where(is_erroneous, rng.random(4000) < 0.8, rng.random(4000) < 0.15)
    judged = JudgedSolutions.of(
        np.where(says_error, 0, NO_ERROR), [frozenset({0 if bad else NO_ERROR}) for bad in is_erroneous], lengths
    )
    bias = solution_length_bias(judged)
    assert bias.overall.low > 0.2  # type: ignore[operator]
    assert bias.without_error.low < 0 < bias.without_error.high  # type: ignore[operator]
    assert bias.given_truth.low < 0 < bias.given_truth.high  # type: ignore[operator]


def test_of_a_judge_that_always_says_the_same_correlations_are_undefined() -> None:
    judged = JudgedSolutions.of([NO_ERROR] * 4, [frozenset({0}), frozenset({NO_ERROR})] * 2, [2, 3, 4, 5])
    bias = solution_length_bias(judged)
    assert {bias.overall.value, bias.without_error.value, bias.given_truth.value} == {None}


def test_where_no_solution_has_an_error_there_is_nothing_to_hold_fixed() -> None:
    judged = JudgedSolutions.of([NO_ERROR, 0, NO_ERROR, 1], [frozenset({NO_ERROR})] * 4, [2, 5, 3, 4])
    bias = solution_length_bias(judged)
    assert bias.given_truth.value == pytest.approx(bias.overall.value)
    assert bias.without_error.value == pytest.approx(pearson([(2, 0), (5, 1), (3, 0), (4, 1)]))


def test_self_preference_by_hand() -> None:
    """Own: 3 of 4 erroneous accepted; others: 1 of 4. Solutions without an error and silence accept nothing wrongly."""
    named = [NO_ERROR, NO_ERROR, NO_ERROR, 1, NO_ERROR, 1, UNKNOWN, 1, NO_ERROR]
    accepted = [frozenset({1})] * 8 + [frozenset({NO_ERROR})]
    judged = JudgedSolutions.of(named, accepted, [2] * 9)
    preference = self_preference(judged, np.array([True] * 4 + [False] * 4 + [True]))
    assert (preference.own, preference.others) == (Proportion(3, 4), Proportion(1, 4))
    assert preference.difference.value == pytest.approx(0.5)
    assert preference.difference.solutions == 8


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_newcombes_own_examples(first: tuple[int, int], second: tuple[int, int], low: float, high: float) -> None:
    """Newcombe 1998, table II, method 10."""
    difference = share_difference(Proportion(*first), Proportion(*second))
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=0.00006)


def test_a_scripted_self_preference_lies_in_its_interval() -> None:
    rng = random.Random(9)
    is_own = [number % 2 == 0 for number in range(1000)]
    named = [NO_ERROR if rng.random() < (0.4 if own else 0.25) else 0 for own in is_own]
    judged = JudgedSolutions.of(named, [frozenset({0})] * 1000, [3] * 1000)
    difference = self_preference(judged, np.array(is_own)).difference
    assert difference.low <= 0.15 <= difference.high  # type: ignore[operator]
    assert difference.low > 0  # type: ignore[operator]


def test_without_own_solutions_there_is_no_difference() -> None:
    judged = JudgedSolutions.of([0], [frozenset({0})], [1])
    assert self_preference(judged, np.array([False])).difference.value is None
