"""Agreement of a project, of pairs, of models with people, and of preferences: by hand."""

from __future__ import annotations

import numpy as np
import pytest

from apps.corpus.labels import UNKNOWN
from apps.quality.statistics import bootstrap
from apps.quality.statistics.agreement import (
    agreement,
    pair_agreements,
    pairs_of,
    source_agreement,
    step_agreement,
)
from apps.quality.statistics.bootstrap import measure
from apps.quality.statistics.ratings import ReliabilityData, ints
from tests.quality.rating_tables import ratings_of
from tests.quality.simulation import labeler, simulate


def test_first_errors_match_exactly_or_within_one() -> None:
    """Three pairs on the first solution (one alike, one next to it, one off), one on the second (alike)."""
    result = agreement(ratings_of([["++-+", "++-+", "+++-"], ["-", "-", ""], ["++", "", ""]])).first_errors
    assert result.exact.value == pytest.approx((1 / 3 + 1) / 2)
    assert result.within_one.value == pytest.approx(1)
    assert result.exact.solutions == 2


def test_no_error_is_next_to_nothing() -> None:
    result = agreement(ratings_of([["-+", "++"], ["+-", "-+"]])).first_errors
    assert result.exact.value == 0
    assert result.within_one.value == pytest.approx(1 / 2)


def test_only_steps_that_both_reached_count() -> None:
    """The second one stops at the second step: the two steps behind it are no disagreement."""
    result = agreement(ratings_of([["++++", "+-"], ["0-", "0-"]])).steps
    assert result.confusion == [[2, 0, 1], [0, 2, 0], [1, 0, 2]]


def test_who_gave_up_or_was_unsure_disagrees_with_nobody_on_the_first_error() -> None:
    result = agreement(ratings_of([["+-", "+.", "+-"]])).first_errors
    assert result.exact.value == 1


def test_a_pair_is_judged_on_what_both_have_judged() -> None:
    pairs = pair_agreements(ratings_of([["+-", "+-", ""], ["++", "-+", ""], ["", "+0", "++"]]))
    assert [(one.first, one.second) for one in pairs] == [(0, 1), (1, 2)]
    first, second = pairs
    assert first.exact.value == pytest.approx(1 / 2)
    assert first.confusion == [[1, 0, 0], [0, 0, 0], [1, 0, 2]]  # Of one bad step of each, the other said great.
    assert first.kappa.value == pytest.approx((3 / 4 - 1 / 2) / (1 - 1 / 2))
    assert second.exact.value == 1
    assert second.confusion[1][2] == 1


def test_a_pair_that_shares_nothing_is_no_pair() -> None:
    assert pair_agreements(ratings_of([["++", ""], ["", "++"]])) == []


def test_intervals_resample_solutions_and_come_out_the_same_each_time() -> None:
    """Of 400 solutions half agree: the percentile interval is close to the normal one, 0.5 +- 0.049."""
    halves = np.column_stack((np.arange(400) % 2, np.ones(400))).astype(float)
    result = measure(halves, lambda sums: sums[..., 0] / sums[..., 1])
    assert result == measure(halves, lambda sums: sums[..., 0] / sums[..., 1])
    assert result.low == pytest.approx(0.451, abs=0.01)
    assert result.high == pytest.approx(0.549, abs=0.01)


@pytest.mark.parametrize("kinds", [1, 2, 20])
def test_drawing_kinds_of_rows_is_drawing_rows(kinds: int) -> None:
    """The sums of resamples have the same mean and spread, drawn as kinds and drawn one by one."""
    rows = np.random.default_rng(4).integers(0, 9, size=(kinds, 3))[np.arange(600) % kinds].astype(float)
    as_kinds = bootstrap._resampled(rows, 4000, seed=1)
    one_by_one = bootstrap._drawn_one_by_one(rows, 4000, np.random.default_rng(2))
    spread = one_by_one.std(axis=0)
    assert as_kinds.mean(axis=0) == pytest.approx(one_by_one.mean(axis=0), abs=0.06 * spread.max() + 1e-9)
    assert as_kinds.std(axis=0) == pytest.approx(spread, rel=0.06, abs=1e-9)


def test_many_kinds_of_rows_are_drawn_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counts of many kinds would take more memory, and longer."""
    monkeypatch.setattr(bootstrap, "_drawn_one_by_one", lambda rows, resamples, rng: "one by one")
    assert bootstrap._resampled(np.arange(300.0)[:, None], 10, seed=0) == "one by one"  # type: ignore[comparison-overlap]
    monkeypatch.setattr(bootstrap, "WEIGHTS_AT_ONCE", 100)
    few = (np.arange(300.0) % 20)[:, None]
    assert bootstrap._resampled(few, 10, seed=0) == "one by one"  # type: ignore[comparison-overlap]


def test_the_interval_covers_what_more_data_show() -> None:
    """Alpha of 40 samples of 100 solutions against alpha of 20,000: nine in ten and more of the intervals hold it."""
    confusions = [labeler(0.1), labeler(0.2), labeler(0.2)]
    truth = step_agreement(
        simulate(confusions, solutions=20_000, seed=0).ratings.reliability_data(), resamples=0
    ).alpha_ordinal
    covered = 0
    for seed in range(1, 41):
        result = step_agreement(
            simulate(confusions, solutions=100, seed=seed).ratings.reliability_data(), resamples=300
        )
        covered += result.alpha_ordinal.low <= truth.value <= result.alpha_ordinal.high  # type: ignore[operator]
    assert covered >= 34


def test_one_solution_says_next_to_nothing() -> None:
    result = agreement(ratings_of([["+-", "+-"]])).first_errors.exact
    assert (result.value, result.high, result.solutions) == (1.0, 1.0, 1)
    assert result.low == pytest.approx(0.2065, abs=0.0001)


def test_monte_carlo_against_people() -> None:
    """Six steps in common; people call two bad, rollouts find one of them and one more that is not."""
    offsets = ints([0, 3, 6, 8])
    rollouts = ints([1, -1, 1, 1, -1, UNKNOWN, 1, UNKNOWN])
    people = ints([1, -1, UNKNOWN, 0, 1, -1, -1, 1])
    result = source_agreement(rollouts, people, offsets)
    assert result.confusion == [[1, 0, 1], [0, 0, 0], [1, 1, 1]]
    assert result.accuracy.value == pytest.approx(3 / 5)
    assert result.precision.value == pytest.approx(1 / 2)
    assert result.recall.value == pytest.approx(1 / 2)
    assert result.first_error_exact.value == pytest.approx(1 / 2)  # 1 and 1; 1 and 2; the third cannot be told.
    assert result.first_error_exact.solutions == 2
    assert result.kappa.value == pytest.approx((3 / 5 - 13 / 25) / (1 - 13 / 25))


def test_neutral_is_not_bad_when_sources_meet() -> None:
    result = source_agreement(ints([1, 1, -1]), ints([0, 1, -1]), ints([0, 3]))
    assert result.accuracy.value == result.kappa.value == 1


def test_sources_without_a_step_in_common_say_nothing_of_each_other() -> None:
    result = source_agreement(ints([1, UNKNOWN]), ints([UNKNOWN, 1]), ints([0, 2]))
    assert (
        result.accuracy.value,
        result.recall.value,
        result.first_error_exact.value,
    ) == (None, None, None)


def test_preferences_agree_by_side_and_by_margin() -> None:
    """Both prefer left in the first and right in the second; in the third one says tie and one slightly right."""
    units, labelers, clusters = ints([0, 0, 1, 1, 2, 2]), ints([0, 1] * 3), np.arange(3)
    sides = step_agreement(ReliabilityData(units, labelers, ints([0, 0, 2, 2, 1, 2]), clusters, 3))
    assert sides.confusion == [[2, 0, 0], [0, 0, 1], [0, 1, 2]]
    assert sides.kappa.value == pytest.approx((2 / 3 - 7 / 18) / (1 - 7 / 18))
    # On Llama 2's scale, from 0 (left significantly better) by 4 (tie) to 8 (right significantly better).
    margins = step_agreement(ReliabilityData(units, labelers, ints([0, 1, 6, 6, 4, 6]), clusters, 9))
    assert margins.alpha_ordinal.value > margins.alpha_nominal.value  # type: ignore[operator]


def test_every_pair_on_a_unit_is_counted_once_and_nobody_with_themselves() -> None:
    reliability_data = ratings_of([["+"] * 5]).reliability_data()
    both = pairs_of(reliability_data)
    assert len(both.units) == 10
    assert (both.first < both.second).all()
    doubled = ReliabilityData(ints([0, 0]), ints([3, 3]), ints([0, 1]), reliability_data.clusters, 3)
    assert len(pairs_of(doubled).units) == 0


def test_agreement_falls_as_labelers_err_more() -> None:
    result = [
        agreement(simulate([labeler(error)] * 3, solutions=300, seed=1).ratings, resamples=0)
        for error in (0.0, 0.1, 0.3, 0.66)
    ]
    alphas = [one.steps.alpha_ordinal.value for one in result]
    exact = [one.first_errors.exact.value for one in result]
    assert alphas[0] == exact[0] == 1
    assert alphas == sorted(alphas, reverse=True)
    assert exact == sorted(exact, reverse=True)
    assert alphas[-1] == pytest.approx(0, abs=0.05)  # Who errs two times of three says nothing.
