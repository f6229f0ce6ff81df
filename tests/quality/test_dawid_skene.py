"""Dawid-Skene: the paper's own figures, cases by hand, and properties of any ratings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.aggregation.dawid_skene import DawidSkeneFit, DawidSkeneOptions, first_error_probabilities, fit
from apps.quality.statistics.ratings import ReliabilityData, ints
from tests.examples import examples
from tests.quality import published
from tests.quality.rating_tables import ratings_of
from tests.quality.simulation import SPAMMER, labeler, simulate

PLAIN = DawidSkeneOptions(prior_ratings=0, tolerance=1e-9, max_iterations=5000)


@pytest.fixture(scope="module")
def anaesthetists() -> DawidSkeneFit:
    return fit(published.anaesthetists(), 5, PLAIN)


def test_the_marginals_of_dawid_and_skenes_own_example(anaesthetists: DawidSkeneFit) -> None:
    """Dawid and Skene 1979: .40, .42, .11, .07."""
    assert anaesthetists.has_converged
    assert anaesthetists.marginals == pytest.approx(published.MARGINALS, abs=0.006)


@pytest.mark.parametrize("observer", range(5))
def test_the_error_rates_of_dawid_and_skenes_own_example(anaesthetists: DawidSkeneFit, observer: int) -> None:
    """Their Table 2, every figure to the two digits given."""
    expected = np.array(published.ERROR_RATES[observer])
    assert np.abs(anaesthetists.confusion[observer] - expected).max() < 0.006


def test_the_patients_of_dawid_and_skenes_own_example(anaesthetists: DawidSkeneFit) -> None:
    """Their Table 4: three patients are in some doubt, all others certain to two digits."""
    for patient in range(1, 46):
        probabilities = anaesthetists.probabilities[patient - 1]
        if patient in published.DOUBTFUL:
            assert probabilities == pytest.approx(published.DOUBTFUL[patient], abs=0.006)
        else:
            assert probabilities.max() > 0.994


def test_one_round_by_hand() -> None:
    """Two units, two classes; a says 0 1, b says 0 0. Votes: (1, 0) and (1/2, 1/2).

    Marginals 3/4, 1/4. a: says 0 of a true 0 with 1 / 1.5, of a true 1 never. b: always 0. Then unit 0 has
    3/4 x 2/3 against 0: certain. Unit 1: 3/4 x 1/3 = 1/4 against 1/4 x 1: even.
    """
    reliability_data = ReliabilityData(ints([0, 0, 1, 1]), ints([0, 1, 0, 1]), ints([0, 0, 1, 0]), np.arange(2), 2)
    fitted = fit(reliability_data, 2, DawidSkeneOptions(prior_ratings=0, max_iterations=1))
    assert fitted.probabilities == pytest.approx(np.array([[1, 0], [0.5, 0.5]]))
    assert (fitted.iterations, fitted.has_converged) == (
        1,
        True,
    )  # It is what the votes said: nothing moves.


def test_a_labeler_without_ratings_has_the_prior() -> None:
    fitted = fit(ratings_of([["+-", "+-"]]).reliability_data(), 3, DawidSkeneOptions())
    assert fitted.confusion[2] == pytest.approx(np.full((3, 3), 0.2) + np.eye(3) * 0.4)
    assert fit(ratings_of([["+-"]]).reliability_data(), 2, PLAIN).confusion[1] == pytest.approx(np.full((3, 3), 1 / 3))


def test_a_step_that_nobody_rated_has_the_marginals() -> None:
    fitted = fit(ratings_of([["+.-", "+.-"], ["++", "++"]]).reliability_data(), 2, DawidSkeneOptions())
    assert fitted.probabilities[1] == pytest.approx(fitted.marginals)


@pytest.mark.parametrize("options", [DawidSkeneOptions(), PLAIN])
def test_without_ratings_there_is_nothing_to_learn(options: DawidSkeneOptions) -> None:
    fitted = fit(ratings_of([["...", "..."]]).reliability_data(), 2, options)
    assert fitted.has_converged
    assert fitted.marginals == pytest.approx([1 / 3] * 3)


def test_it_finds_out_who_errs_and_how() -> None:
    """Of 2,000 solutions: each error rate within 0.02, and that of the spammer."""
    errors = (0.05, 0.1, 0.2)
    world = simulate([*map(labeler, errors), SPAMMER], solutions=2000, seed=3)
    fitted = fit(world.ratings.reliability_data(), 4, DawidSkeneOptions())
    diagonal = np.diagonal(fitted.confusion, axis1=1, axis2=2)
    accuracy = np.einsum("c,lcc->l", fitted.marginals, fitted.confusion)
    assert accuracy[:3] == pytest.approx([1 - one for one in errors], abs=0.02)
    assert accuracy[3] > 0.6  # Says great nearly always, and is right nearly always.
    assert diagonal[3] == pytest.approx([0.1, 0.1, 0.8], abs=0.05)


def test_prior_ratings_keep_a_newcomers_few_labels_from_being_trusted() -> None:
    rows = [["+-", "+-", ""]] * 30 + [["+-", "+-", "+-"]]
    careful = fit(ratings_of(rows).reliability_data(), 3, DawidSkeneOptions())
    plain = fit(ratings_of(rows).reliability_data(), 3, PLAIN)
    assert plain.confusion[2, 0, 0] == pytest.approx(1)
    assert 0.6 < careful.confusion[2, 0, 0] < 0.75 < careful.confusion[0, 0, 0]


# --- first errors -------------------------------------------------------------------------------------------


def errors_of(bad: list[float], rated: list[bool] | None = None) -> tuple[int, float]:
    is_rated = np.array(rated or [True] * len(bad))
    errors, certainty = first_error_probabilities(np.array(bad), is_rated, ints([0, len(bad)]))
    return int(errors[0]), float(certainty[0])


def test_the_first_error_is_where_the_first_bad_step_is_likeliest() -> None:
    """0.1, then 0.9 x 0.8, then 0.9 x 0.2 x 0.9; none 0.9 x 0.2 x 0.1."""
    assert errors_of([0.1, 0.8, 0.9]) == (1, pytest.approx(0.72))


def test_no_error_is_the_product_of_all_steps_being_good() -> None:
    assert errors_of([0.1, 0.2]) == (NO_ERROR, pytest.approx(0.72))


def test_many_doubtful_steps_make_some_error_likelier_than_none() -> None:
    """Each step alone is more likely good; none bad of ten has 0.7^10 = 0.028."""
    assert errors_of([0.3] * 10) == (0, pytest.approx(0.3))


def test_a_solution_that_nobody_read_to_its_end_is_not_called_free_of_errors() -> None:
    assert errors_of([0.01, 0.1, 0.1], [True, False, False]) == (UNKNOWN, 0)
    assert errors_of([0.95, 0.1], [True, False]) == (0, pytest.approx(0.95))


def test_certain_steps_are_no_trouble() -> None:
    assert errors_of([0.0, 1.0, 0.5]) == (1, pytest.approx(1))
    assert errors_of([0.0, 0.0]) == (NO_ERROR, pytest.approx(1))


@given(st.lists(st.lists(st.floats(0, 1), min_size=1, max_size=6), min_size=1, max_size=6))
def test_first_errors_are_what_multiplying_out_gives(solutions: list[list[float]]) -> None:
    offsets = np.concatenate(([0], np.cumsum([len(one) for one in solutions])))
    bad = np.array([chance for one in solutions for chance in one])
    errors, certainty = first_error_probabilities(bad, np.ones(len(bad), dtype=bool), ints(offsets))
    for probabilities, error, sure in zip(solutions, errors.tolist(), certainty.tolist(), strict=True):
        good = np.cumprod([1.0, *(1 - one for one in probabilities)])
        multiplied = [*(one * before for one, before in zip(probabilities, good[:-1], strict=True)), good[-1]]
        assert sure == pytest.approx(max(multiplied), abs=1e-6)
        assert multiplied[error] == pytest.approx(max(multiplied), abs=1e-6)


# --- what must hold of any ratings --------------------------------------------------------------------------

TABLES = st.lists(
    st.lists(st.text(alphabet="+0-.", min_size=1, max_size=4), min_size=3, max_size=3), min_size=1, max_size=8
)


@examples(50)
@given(TABLES, st.permutations(range(3)))
def test_who_is_called_what_does_not_matter(table: list[list[str]], order: list[int]) -> None:
    fitted = fit(ratings_of(table).reliability_data(), 3, DawidSkeneOptions())
    renamed = fit(ratings_of([[row[who] for who in order] for row in table]).reliability_data(), 3, DawidSkeneOptions())
    assert renamed.probabilities == pytest.approx(fitted.probabilities, abs=1e-6)
    assert renamed.confusion == pytest.approx(fitted.confusion[order], abs=1e-6)


@examples(50)
@given(TABLES)
def test_chances_are_chances(table: list[list[str]]) -> None:
    fitted = fit(ratings_of(table).reliability_data(), 3, DawidSkeneOptions())
    assert fitted.probabilities.sum(axis=1) == pytest.approx(np.ones(len(fitted.probabilities)))
    assert fitted.confusion.sum(axis=2) == pytest.approx(np.ones((3, 3)))
    assert fitted.probabilities.min() >= 0
    assert fitted.marginals.sum() == pytest.approx(1)
