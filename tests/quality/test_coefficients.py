"""Kappa and alpha: the papers' own figures, cases by hand, and what must hold of any data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.quality.statistics import coefficients as by
from apps.quality.statistics.bootstrap import measure
from apps.quality.statistics.ratings import ReliabilityData, ints
from tests.quality import published


def alpha(reliability_data: ReliabilityData, metric: str = "nominal") -> float | None:
    return measure(by.coincidences(reliability_data), by.read_alpha(metric), resamples=0).value


def fleiss(reliability_data: ReliabilityData) -> float | None:
    return measure(by.fleiss_tallies(reliability_data), by.read_fleiss, resamples=0).value


def cohen(first: list[int], second: list[int], values: int = 3) -> float | None:
    tallies = by.confusions(ints(first), ints(second), np.arange(len(first)), values)
    return measure(tallies, by.read_cohen, resamples=0).value


@pytest.mark.parametrize(("metric", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_of_krippendorffs_own_example(metric: str, value: float) -> None:
    """Krippendorff 2011, example C: .743 nominal, .815 ordinal, .849 interval."""
    assert alpha(published.krippendorff(), metric) == pytest.approx(value, abs=0.0005)


def test_kappa_of_fleisss_own_example() -> None:
    """Fleiss 1971: .430 over five diagnoses."""
    assert fleiss(published.fleiss()) == pytest.approx(0.430, abs=0.0005)


def test_kappa_of_cohens_own_example() -> None:
    """Cohen 1960: p_o = .70, p_c = .41, kappa = .492."""
    tallies = published.COHEN.reshape(1, 9).astype(float)
    assert measure(tallies, by.read_accuracy, resamples=0).value == pytest.approx(0.70)
    assert measure(tallies, by.read_cohen, resamples=0).value == pytest.approx(0.492, abs=0.0005)


def test_kappa_of_sass_example() -> None:
    """The table of PROC FREQ's documentation, as statsmodels tests it: .4842."""
    tallies = np.array([[0.0, 4, 1, 0, 8, 0, 0, 1, 5]])
    assert measure(tallies, by.read_cohen, resamples=0).value == pytest.approx(0.4842, abs=0.00005)


def test_cohens_kappa_by_hand() -> None:
    """Of 4 units 3 alike: p_o = 3/4. Marginals 1/2 1/2 and 1/4 3/4: p_e = 1/8 + 3/8 = 1/2. Kappa = 1/2."""
    assert cohen([0, 0, 1, 1], [0, 1, 1, 1]) == pytest.approx(0.5)


def test_fleisss_kappa_by_hand() -> None:
    """Three labelers, two units, aab and bbb: P = (1/3 + 1) / 2 = 2/3; shares 1/3 and 2/3, P_e = 5/9. Kappa = 1/4."""
    assert fleiss(published.of_rows(["1 2", "1 2", "2 2"], 2)) == pytest.approx(0.25)


def test_alpha_by_hand() -> None:
    """Two labelers, 00 11 01: coincidences 2 1 / 1 2, n = 6; D_o = 2/6, D_e = 2 x 9 / 30. Alpha = 1 - 5/9."""
    assert alpha(published.of_rows(["1 2 1", "1 2 2"], 2)) == pytest.approx(4 / 9)


def test_ordinal_alpha_forgives_neighbours() -> None:
    """Okay against great is less apart than bad against great."""
    near = published.of_rows(["1 1 2 2 3 3", "1 1 2 2 3 2"], 3)
    far = published.of_rows(["1 1 2 2 3 3", "1 1 2 2 3 1"], 3)
    assert alpha(near, "ordinal") > alpha(far, "ordinal")  # type: ignore[operator]
    assert alpha(near) == pytest.approx(alpha(far), abs=0.02)


def test_where_all_values_are_the_same_coefficients_are_undefined() -> None:
    one_value = published.of_rows(["3 3 3", "3 3 3"], 3)
    assert alpha(one_value) is None
    assert fleiss(one_value) is None
    assert cohen([2, 2], [2, 2]) is None


def test_units_with_a_single_labeler_do_not_count() -> None:
    with_loners = published.of_rows(["1 2 1 3 .", "1 2 2 . 1"], 3)
    assert alpha(with_loners) == pytest.approx(4 / 9)
    assert fleiss(with_loners) == fleiss(published.of_rows(["1 2 1", "1 2 2"], 3))


def test_without_values_coefficients_are_undefined() -> None:
    nothing = ReliabilityData(ints([]), ints([]), ints([]), np.arange(0), 3)
    result = measure(by.coincidences(nothing), by.read_alpha("ordinal"))
    assert (result.value, result.low, result.high, result.solutions) == (
        None,
        None,
        None,
        0,
    )


# --- what must hold of any data -----------------------------------------------------------------------------

TABLES = st.integers(2, 5).flatmap(
    lambda labelers: st.lists(
        st.lists(st.integers(1, 3), min_size=labelers, max_size=labelers), min_size=2, max_size=12
    )
)


def sayings_of(table: list[list[int]]) -> ReliabilityData:
    return published.of_rows([" ".join(map(str, column)) for column in zip(*table, strict=True)], 3)


@given(TABLES, st.randoms(use_true_random=False))
def test_neither_the_order_of_units_nor_of_labelers_matters(table: list[list[int]], rng: object) -> None:
    shuffled = [list(row) for row in table]
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    turned = [row[::-1] for row in shuffled]
    for metric in ("nominal", "ordinal", "interval"):
        assert alpha(sayings_of(turned), metric) == pytest.approx(alpha(sayings_of(table), metric))
    assert fleiss(sayings_of(turned)) == pytest.approx(fleiss(sayings_of(table)))


@given(st.lists(st.integers(1, 3), min_size=2, max_size=12), st.integers(2, 5))
def test_perfect_agreement_is_one(values: list[int], labelers: int) -> None:
    assume(len(set(values)) > 1)
    reliability_data = sayings_of([[value] * labelers for value in values])
    assert alpha(reliability_data, "ordinal") == pytest.approx(1)
    assert fleiss(reliability_data) == pytest.approx(1)
    assert cohen([value - 1 for value in values], [value - 1 for value in values]) == pytest.approx(1)


@given(TABLES)
def test_no_coefficient_is_above_one(table: list[list[int]]) -> None:
    reliability_data = sayings_of(table)
    result = [
        alpha(reliability_data),
        alpha(reliability_data, "ordinal"),
        alpha(reliability_data, "interval"),
        fleiss(reliability_data),
    ]
    assert all(value is None or value <= 1 + 1e-12 for value in result)


@given(TABLES)
def test_to_name_the_values_the_other_way_round_changes_nothing(table: list[list[int]]) -> None:
    mirrored = [[4 - value for value in row] for row in table]
    assert alpha(sayings_of(mirrored), "ordinal") == pytest.approx(alpha(sayings_of(table), "ordinal"))


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=20))
def test_cohens_kappa_is_the_same_from_either_side(pairs: list[tuple[int, int]]) -> None:
    first, second = [list(side) for side in zip(*pairs, strict=True)]
    assert cohen(first, second) == pytest.approx(cohen(second, first))
