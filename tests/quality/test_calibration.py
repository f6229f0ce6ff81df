"""Whether soft estimates mean what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.statistics import Proportion
from apps.quality.statistics.calibration import Calibration, calibration
from apps.quality.statistics.ratings import ints


def of(estimates: list[float], good: list[bool], solutions: list[int] | None = None, **options: Any) -> Calibration:
    return calibration(
        np.array(estimates, dtype=float), np.array(good, dtype=bool), ints(solutions or range(len(good))), **options
    )


def test_error_and_brier_by_hand() -> None:
    """Bins of a half: 0.1 0.3 with one good of two, 0.9 0.9 1.0 with two good of three.

    Error: 2/5 x |0.2 - 0.5| + 3/5 x |2.8/3 - 2/3| = 0.12 + 0.16. Brier: (0.01 + 0.49 + 0.01 + 0.81 + 0) / 5.
    """
    result = of([0.1, 0.3, 0.9, 0.9, 1.0], [False, True, True, False, True], bins=2)
    assert [(one.low, one.high, one.good) for one in result.bins] == [
        (0, 0.5, Proportion(1, 2)),
        (0.5, 1, Proportion(2, 3)),
    ]
    assert result.bins[0].mean == pytest.approx(0.2)
    assert result.error.value == pytest.approx(0.28)
    assert result.brier.value == pytest.approx(1.32 / 5)


def test_a_bins_lower_end_belongs_to_it_and_one_to_the_last() -> None:
    result = of([0.0, 0.5, 1.0], [True, True, True], bins=2)
    assert [one.good.of for one in result.bins] == [1, 2]


def test_an_empty_bin_has_no_mean_and_says_that_it_knows_nothing() -> None:
    result = of([0.9], [True])
    assert (
        result.bins[0].mean,
        result.bins[0].good.value,
        result.bins[0].good.interval,
    ) == (None, None, (0.0, 1.0))


def test_without_steps_calibration_is_undefined() -> None:
    result = of([], [])
    assert (result.error.value, result.brier.value) == (None, None)


def test_estimates_that_mean_what_they_say_have_a_small_error_and_shifted_ones_the_shift() -> None:
    rng = np.random.default_rng(1)
    chances = rng.random(20_000) * 0.8
    good = rng.random(20_000) < chances
    solutions = np.arange(20_000) // 10
    honest = calibration(chances, good, solutions)
    shifted = calibration(chances + 0.2, good, solutions)
    assert honest.error.value < 0.02  # type: ignore[operator]
    assert shifted.error.value == pytest.approx(0.2, abs=0.02)
    assert shifted.error.low < 0.2 < shifted.error.high  # type: ignore[operator]
    assert shifted.error.solutions == 2000


def test_a_constant_half_has_a_brier_score_of_a_quarter() -> None:
    assert of([0.5] * 4, [True, False, False, False]).brier.value == 0.25


@given(
    st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=1, max_size=30), st.randoms(use_true_random=False)
)
def test_the_order_of_steps_does_not_matter(steps: list[tuple[int, bool]], rng: Any) -> None:
    def result(of_steps: list[tuple[int, bool]]) -> Calibration:
        return of([hits / 8 for hits, _ in of_steps], [good for _, good in of_steps], resamples=0)

    shuffled = list(steps)
    rng.shuffle(shuffled)
    first, second = result(steps), result(shuffled)
    assert first.error.value == pytest.approx(second.error.value)
    assert first.brier.value == pytest.approx(second.brier.value)
    assert [one.good for one in first.bins] == [one.good for one in second.bins]


@pytest.mark.parametrize(
    ("estimates", "named"), [([1.1], "estimates"), ([-0.1], "estimates"), ([0.1, 0.2], "one length")]
)
def test_estimates_out_of_bounds_are_refused(estimates: list[float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        of(estimates, [True], [0])
