"""Exact bounds against published tables, closed forms, tails summed in whole numbers, and every possible sample."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.quality.statistics.exact_bounds import (
    clopper_pearson,
    incomplete_beta,
    lower_bound,
    most_in_pool,
    smallest_sample,
    upper_bound,
)


def binomial_tail(most: int, trials: int, share: float) -> float:
    return sum(comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(most + 1))


def pool_tail(most: int, hits: int, sample: int, pool: int) -> Fraction:
    ways = sum(comb(hits, k) * comb(pool - hits, sample - k) for k in range(min(most, hits, sample) + 1))
    return Fraction(ways, comb(pool, sample))


@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [
        (0, 10, 0.0, 0.3085),
        (1, 10, 0.0025, 0.4450),
        (5, 10, 0.1871, 0.8129),
        (8, 10, 0.4439, 0.9748),
        (10, 10, 0.6915, 1.0),
        (3, 20, 0.0321, 0.3789),
        (81, 263, 0.2527, 0.3676),
    ],
)
def test_the_intervals_of_published_tables(hits: int, trials: int, low: float, high: float) -> None:
    """Tables of the exact 95 % interval; 81 of 263 is the example of Newcombe 1998 (0.2527 to 0.3676)."""
    assert clopper_pearson(hits, trials) == pytest.approx((low, high), abs=0.00006)


@pytest.mark.parametrize("trials", [1, 5, 59, 1000])
def test_without_a_hit_the_bound_has_a_closed_form(trials: int) -> None:
    """1 - delta^(1/n); all hits is the mirror image."""
    assert upper_bound(0, trials, 0.05) == pytest.approx(1 - 0.05 ** (1 / trials), abs=1e-12)
    assert lower_bound(trials, trials, 0.05) == pytest.approx(0.05 ** (1 / trials), abs=1e-12)


def test_fifty_nine_without_an_error_are_needed() -> None:
    assert upper_bound(0, 58, 0.05) > 0.05 > upper_bound(0, 59, 0.05)


@given(st.integers(0, 150), st.integers(1, 150), st.floats(0.001, 0.4))
def test_at_the_bounds_the_tails_are_the_error(hits: int, trials: int, error: float) -> None:
    hits = min(hits, trials)
    if hits < trials:
        assert binomial_tail(hits, trials, upper_bound(hits, trials, error)) == pytest.approx(error, rel=1e-8)
    if hits:
        low = lower_bound(hits, trials, error)
        assert 1 - binomial_tail(hits - 1, trials, low) == pytest.approx(error, rel=1e-8)


@pytest.mark.parametrize(
    ("x", "a", "b", "value"),
    [(0.3, 1, 1, 0.3), (0.25, 2, 1, 0.0625), (0.5, 7.5, 7.5, 0.5), (0.0, 2, 3, 0.0), (1.0, 2, 3, 1.0)],
)
def test_the_incomplete_beta_function_where_it_is_simple(x: float, a: float, b: float, value: float) -> None:
    assert incomplete_beta(x, a, b) == pytest.approx(value, abs=1e-13)


@given(st.floats(0.01, 0.99), st.floats(0.3, 60), st.floats(0.3, 60))
def test_the_incomplete_beta_function_keeps_its_recurrence(x: float, a: float, b: float) -> None:
    """DLMF 8.17: I_x(a, b) = x I_x(a - 1, b) + (1 - x) I_x(a, b - 1), here with a and b one higher."""
    left = incomplete_beta(x, a + 1, b + 1)
    assert left == pytest.approx(x * incomplete_beta(x, a, b + 1) + (1 - x) * incomplete_beta(x, a + 1, b), abs=1e-11)


@given(st.integers(1, 60), st.data())
def test_the_bound_of_a_pool_is_the_largest_that_the_tail_allows(pool: int, data: st.DataObject) -> None:
    sample = data.draw(st.integers(0, pool))
    hits = data.draw(st.integers(0, sample))
    most = most_in_pool(hits, sample, pool, 0.05)
    assert most == max(
        total
        for total in range(hits, pool - sample + hits + 1)
        if pool_tail(hits, total, sample, pool) > Fraction(1, 20) or total == hits
    )


@given(st.integers(2, 400), st.data())
def test_one_hit_more_raises_the_bound_by_one_or_more(pool: int, data: st.DataObject) -> None:
    """So what remains in the pool never seems better for a further hit in the sample."""
    sample = data.draw(st.integers(1, pool))
    hits = data.draw(st.integers(0, sample - 1))
    assert most_in_pool(hits + 1, sample, pool, 0.05) >= most_in_pool(hits, sample, pool, 0.05) + 1


def test_of_a_small_pool_the_bound_covers_in_95_percent_whatever_the_pool_holds() -> None:
    pool, sample = 30, 12
    for total in range(pool + 1):
        covered = sum(
            Fraction(comb(total, hits) * comb(pool - total, sample - hits), comb(pool, sample))
            for hits in range(min(total, sample) + 1)
            if most_in_pool(hits, sample, pool, 0.05) >= total
        )
        assert covered >= Fraction(95, 100)


def test_a_pool_without_end_has_the_bound_of_clopper_and_pearson() -> None:
    assert most_in_pool(4, 150, 10_000_000, 0.05) / 10_000_000 == pytest.approx(upper_bound(4, 150, 0.05), rel=1e-3)


def test_a_pool_that_was_examined_whole_is_known() -> None:
    assert most_in_pool(7, 40, 40, 0.05) == 7
    assert most_in_pool(0, 0, 40, 0.05) == 40


def test_the_smallest_sample() -> None:
    assert smallest_sample(lambda size: size >= 7, 1, 100) == 7
    assert smallest_sample(lambda size: True, 3, 100) == 3
    assert smallest_sample(lambda size: False, 1, 100) is None
    assert smallest_sample(lambda size: True, 5, 4) is None


@pytest.mark.parametrize(
    ("arguments", "field"), [((5, 4, 0.05), "hits"), ((-1, 4, 0.05), "hits"), ((1, 4, 0.0), "error")]
)
def test_arguments_out_of_bounds_are_named(arguments: tuple[int, int, float], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        upper_bound(*arguments)


def test_a_sample_larger_than_its_pool_is_named() -> None:
    with pytest.raises(ValueError, match="sample"):
        most_in_pool(0, 5, 4, 0.05)
