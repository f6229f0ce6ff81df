"""A judge's figures: by hand, by an independent walk through the steps, and of judges whose rates are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.trust.figures import judge_figures, measure_mean, self_consistency, steps_at
from apps.quality.trust.judged_steps import JudgedSolutions, judged_steps
from tests.quality.scripted_judges import judged_by_script


def judged_of(*rows: tuple[int, set[int], int]) -> JudgedSolutions:
    named, accepted, lengths = zip(*rows, strict=True)
    return JudgedSolutions.of(named, [frozenset(errors) for errors in accepted], lengths)


def table_of(*rows: tuple[int, set[int], int]) -> list[float]:
    """Good and not marked, good and marked, bad and not marked, bad and marked."""
    return judged_steps(judged_of(*rows)).confusions(len(rows)).sum(axis=0).tolist()


@st.composite
def judged_solutions(draw: Any) -> list[tuple[int, set[int], int]]:
    rows = []
    for _ in range(draw(st.integers(1, 12))):
        length = draw(st.integers(1, 6))
        accepted = draw(st.sets(st.integers(NO_ERROR, length - 1), min_size=1, max_size=3))
        rows.append((draw(st.integers(UNKNOWN, length - 1)), accepted, length))
    return rows


def walked(named: int, accepted: set[int], length: int) -> list[float]:
    """The same definition, read step by step."""
    table = [0.0, 0.0, 0.0, 0.0]
    is_erroneous = NO_ERROR not in accepted
    for position in range(length):
        if position in accepted:
            if is_erroneous and named == position:
                table[3] += 1
            elif is_erroneous and position == max(accepted):
                table[2] += 1
        else:
            table[1 if named in {position, UNKNOWN} else 0] += 1
        if named == position or (is_erroneous and position == max(accepted)):
            break
    return table


# --- which steps are judged -------------------------------------------------------------------------------


def test_of_a_found_error_the_steps_before_it_are_cleared() -> None:
    assert table_of((2, {2}, 5)) == [2, 0, 0, 1]


def test_an_error_passed_is_a_miss_and_what_comes_after_it_is_not_judged() -> None:
    assert table_of((4, {2}, 5)) == [2, 0, 1, 0]
    assert table_of((NO_ERROR, {2}, 5)) == [2, 0, 1, 0]


def test_a_judge_that_stops_too_early_marks_one_good_step_and_judges_no_later_one() -> None:
    assert table_of((1, {3}, 5)) == [1, 1, 0, 0]
    assert table_of((1, {NO_ERROR}, 5)) == [1, 1, 0, 0]


def test_an_unreadable_verdict_is_wrong_about_each_step() -> None:
    assert table_of((UNKNOWN, {2}, 5)) == [0, 2, 1, 0]
    assert table_of((UNKNOWN, {NO_ERROR}, 5)) == [0, 5, 0, 0]


def test_any_of_several_acceptable_first_errors_finds_the_error() -> None:
    assert table_of((1, {1, 3}, 5)) == [1, 0, 0, 1]
    assert table_of((3, {1, 3}, 5)) == [2, 0, 0, 1]
    assert table_of((NO_ERROR, {1, 3}, 5)) == [2, 0, 1, 0]
    assert table_of((2, {1, 3}, 5)) == [1, 1, 0, 0]


def test_where_no_error_is_acceptable_too_there_is_no_bad_step() -> None:
    assert table_of((1, {1, NO_ERROR}, 4)) == [1, 0, 0, 0]
    assert table_of((NO_ERROR, {1, NO_ERROR}, 4)) == [3, 0, 0, 0]


@given(judged_solutions())
def test_the_table_is_that_of_a_walk_through_the_steps(rows: list[tuple[int, set[int], int]]) -> None:
    assert judged_steps(judged_of(*rows)).confusions(len(rows)).tolist() == [walked(*row) for row in rows]


@given(judged_solutions(), st.integers(0, 5), st.integers(0, 5))
def test_positions_filter_steps(rows: list[tuple[int, set[int], int]], first: int, last: int) -> None:
    judged = judged_of(*rows)
    kept = judged_steps(judged, steps_at(judged, first, last))
    every = judged_steps(judged)
    expected = [position for position in every.positions.tolist() if first <= position <= last]
    assert kept.positions.tolist() == expected


# --- figures ----------------------------------------------------------------------------------------------


def test_figures_by_hand() -> None:
    """Of three erroneous solutions one is found, one passed, one unreadable; of two without an error one is cleared.

    Accuracies 1/3 and 1/2, so F1 = 2 x 1/6 / (5/6) = 0.4. Bad steps: 1 of 3 found. Good steps: those before the first
    errors 2 + 1 + 0 (cleared, cleared, none), 3 cleared and 1 marked in the others: 6 of 7.
    """
    judged = judged_of((2, {2}, 4), (3, {1}, 4), (UNKNOWN, {0}, 2), (NO_ERROR, {NO_ERROR}, 3), (0, {NO_ERROR}, 3))
    figures = judge_figures(judged)
    assert figures.true_positive.value == pytest.approx(1 / 3)
    assert figures.true_negative.value == pytest.approx(6 / 7)
    assert figures.exact.value == pytest.approx(2 / 5)
    assert figures.first_errors.erroneous.value == pytest.approx(1 / 3)
    assert figures.first_errors.correct.value == pytest.approx(1 / 2)
    assert figures.first_errors.f1.value == pytest.approx(0.4)
    assert figures.unreadable.value == pytest.approx(1 / 5)
    # Agreement 7/10; bad: 3/10 by people, 2/10 by the judge; chance 0.3 x 0.2 + 0.7 x 0.8 = 0.62.
    assert figures.kappa.value == pytest.approx((0.7 - 0.62) / (1 - 0.62))
    assert (figures.true_positive.solutions, figures.true_negative.solutions, figures.exact.solutions) == (3, 4, 5)


@pytest.mark.parametrize(("finds", "clears"), [(0.9, 0.98), (0.7, 0.95), (0.5, 0.8)])
def test_of_a_scripted_judge_the_rates_are_those_of_the_script(finds: float, clears: float) -> None:
    """An error at e is found with clears^e x finds; k good steps are cleared with clears^k; e is uniform."""
    judged = judged_by_script(6000, finds=finds, clears=clears, seed=3)
    figures = judge_figures(judged)
    found = np.mean([np.mean([clears**error * finds for error in range(length)]) for length in range(2, 10)])
    cleared = np.mean([clears**length for length in range(2, 10)])
    for measured, analytic in (
        (figures.true_positive, finds),
        (figures.true_negative, clears),
        (figures.first_errors.erroneous, found),
        (figures.first_errors.correct, cleared),
        (figures.first_errors.f1, 2 * found * cleared / (found + cleared)),
    ):
        assert measured.value is not None
        assert measured.low <= analytic <= measured.high  # type: ignore[operator]
        assert measured.value == pytest.approx(analytic, abs=0.03)


@pytest.mark.slow
def test_the_intervals_of_the_rates_cover_the_script() -> None:
    """In about 95 % of 200 judgings of 120 solutions."""
    finds, clears, covered = 0.85, 0.95, np.zeros(2)
    for seed in range(200):
        figures = judge_figures(judged_by_script(120, finds=finds, clears=clears, seed=seed), resamples=400)
        for number, (measured, rate) in enumerate(((figures.true_positive, finds), (figures.true_negative, clears))):
            covered[number] += measured.low <= rate <= measured.high  # type: ignore[operator]
    assert (covered / 200 > 0.89).all()


def test_silence_lowers_both_rates() -> None:
    """A tenth without a verdict: the bad steps of these are missed, and their good steps are not cleared."""
    whole = judge_figures(judged_by_script(4000, finds=0.9, clears=1.0, seed=1))
    silent = judge_figures(judged_by_script(4000, finds=0.9, clears=1.0, seed=1, silent=0.1))
    assert silent.true_positive.value == pytest.approx(whole.true_positive.value * 0.9, abs=0.02)  # type: ignore[operator]
    assert silent.true_negative.value == pytest.approx(0.9, abs=0.02)
    assert silent.unreadable.value == pytest.approx(0.1, abs=0.02)


def test_of_a_perfect_judge_intervals_have_a_width() -> None:
    figures = judge_figures(judged_of(*[(1, {1}, 3)] * 10, *[(NO_ERROR, {NO_ERROR}, 3)] * 10))
    assert figures.true_positive.value == figures.true_negative.value == figures.first_errors.f1.value == 1
    assert figures.true_positive.low == pytest.approx(0.7225, abs=0.0005)


def test_without_solutions_figures_are_undefined() -> None:
    figures = judge_figures(JudgedSolutions.of([], [], []))
    assert {figures.true_positive.value, figures.kappa.value, figures.cost.value, figures.exact.value} == {None}


# --- repeats and cost -------------------------------------------------------------------------------------


def fleiss_by_loops(repeats: list[list[int]]) -> float:
    units = [verdicts for verdicts in repeats if len(verdicts) > 1]
    agreeing = []
    for verdicts in units:
        pairs = [(a, b) for i, a in enumerate(verdicts) for j, b in enumerate(verdicts) if i != j]
        agreeing.append(sum(a == b for a, b in pairs) / len(pairs))
    pooled = [verdict for verdicts in units for verdict in verdicts]
    chance = sum((pooled.count(verdict) / len(pooled)) ** 2 for verdict in set(pooled))
    return (float(np.mean(agreeing)) - chance) / (1 - chance)


def test_self_consistency_by_hand() -> None:
    """Two repeats, 3 of 4 alike. Shares 5/8 and 3/8: chance 34/64. Kappa (0.75 - 0.53125) / 0.46875 = 7/15."""
    assert self_consistency([[1, 1], [1, 1], [NO_ERROR, NO_ERROR], [1, NO_ERROR]]).value == pytest.approx(7 / 15)


@given(st.lists(st.lists(st.integers(UNKNOWN, 3), max_size=5), min_size=1, max_size=15))
def test_self_consistency_equals_a_computation_by_loops(repeats: list[list[int]]) -> None:
    measured = self_consistency(repeats, resamples=0)
    pooled = {verdict for verdicts in repeats if len(verdicts) > 1 for verdict in verdicts}
    assert measured.value == (pytest.approx(fleiss_by_loops(repeats)) if len(pooled) > 1 else None)


def test_a_judge_that_draws_its_verdicts_agrees_with_itself_by_chance_alone() -> None:
    rng = np.random.default_rng(2)
    measured = self_consistency(rng.integers(0, 4, (3000, 3)).tolist())
    assert measured.low < 0 < measured.high  # type: ignore[operator]
    assert measured.value == pytest.approx(0, abs=0.03)


def test_the_cost_per_solution() -> None:
    cost = measure_mean(np.array([0.001, 0.003, np.nan, 0.002]))
    assert (cost.value, cost.solutions) == (pytest.approx(0.002), 3)
    assert 0.001 <= cost.low < 0.002 < cost.high <= 0.003  # type: ignore[operator]
    assert measure_mean(np.full(5, 0.25)).low == measure_mean(np.full(5, 0.25)).high == 0.25
    assert measure_mean(np.zeros(5)).high == 0
    assert (measure_mean(np.array([0.25])).value, measure_mean(np.array([0.25])).low) == (0.25, None)
    tiny = measure_mean(np.array([1e-12, 3e-12, 2e-12]))
    assert tiny.low < 2e-12 < tiny.high < 4e-12  # type: ignore[operator]


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (([0], [frozenset({0})], []), "length"),
        (([0], [frozenset({0})], [0]), "lengths"),
        (([3], [frozenset({0})], [3]), "named"),
        (([-3], [frozenset({0})], [3]), "named"),
        (([0], [frozenset()], [3]), "accepted"),
        (([0], [frozenset({3})], [3]), "accepted"),
        (([0], [frozenset({UNKNOWN})], [3]), "accepted"),
    ],
)
def test_invalid_sequences_are_named(arguments: tuple[Any, Any, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        JudgedSolutions.of(*arguments)


def test_a_mask_of_another_length_is_named() -> None:
    with pytest.raises(ValueError, match="scored"):
        judged_steps(judged_of((0, {0}, 3)), np.ones(2, dtype=np.bool_))
