"""The cascade's promise: every possible sample of small pools, simulated projects, and rows worked by hand."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.quality.cascade.threshold import (
    TAUS,
    Promise,
    UnitCosts,
    choose_tau,
    first_tested,
    risk_bound,
    sample_forgiving,
)
from apps.quality.statistics.exact_bounds import most_in_pool, upper_bound
from tests.quality.simulated_pools import Outcome, bad_pool, mixed_pool, outcome_of

PROMISE = Promise()


def pool_of(*groups: tuple[float, int, int, int]) -> tuple[Any, Any, Any]:
    """Groups of (posterior, solutions, sampled, wrong among the sampled)."""
    posteriors = np.concatenate([np.full(size, posterior) for posterior, size, _, _ in groups])
    is_sampled = np.concatenate([np.arange(size) < sampled for _, size, sampled, _ in groups])
    is_wrong = np.concatenate([np.arange(size) < wrong for _, size, _, wrong in groups])
    return posteriors, is_sampled, is_wrong


# --- one tau ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("errors", "sample"), [(0, 59), (1, 93), (2, 124), (3, 153), (4, 181), (5, 208)])
def test_the_smallest_samples_by_errors_forgiven(errors: int, sample: int) -> None:
    """As in the tables of acceptance sampling: 95 % confidence of at most 5 %."""
    assert sample_forgiving(errors, 0.05, 0.05) == sample


@given(st.integers(1, 400), st.data())
def test_more_wrong_ones_never_lower_the_bound(eligible: int, data: st.DataObject) -> None:
    sampled = data.draw(st.integers(1, eligible))
    wrong = data.draw(st.integers(0, sampled - 1))
    assert risk_bound(wrong, sampled, eligible, 0.05) <= risk_bound(wrong + 1, sampled, eligible, 0.05)


def test_nearly_always_the_remaining_solutions_have_the_largest_bound() -> None:
    """At the edge of passing: what passes for the others passes by all three."""
    for eligible in (100, 400, 2000):
        for sampled in range(20, eligible * 3 // 4, 17):
            for wrong in range(sampled // 20 + 1):
                remaining = (most_in_pool(wrong, sampled, eligible, 0.05) - wrong) / (eligible - sampled)
                assert remaining > 0.05 or risk_bound(wrong, sampled, eligible, 0.05) <= 0.05


def test_without_eligible_or_sampled_solutions_nothing_is_known() -> None:
    assert risk_bound(0, 0, 0, 0.05) == 1
    assert risk_bound(0, 0, 50, 0.05) == 1


# --- the sequence -----------------------------------------------------------------------------------------


def test_the_start_is_the_strictest_tau_whose_expected_sample_is_large_enough() -> None:
    assert first_tested([10, 60, 80, 120, 200], PROMISE) == 3  # Half of 200.
    assert first_tested([10, 60, 80, 160, 900], PROMISE) == 3  # 153 forgive three errors.
    assert first_tested([10, 60, 66, 80, 100], PROMISE) == 2  # 1.1 x 59.
    assert first_tested([10, 20, 30, 40, 40], PROMISE) == 3  # None is large enough: the largest.
    assert first_tested([0, 0, 0], PROMISE) == 0


def test_the_last_tau_that_passes_in_a_row_is_granted() -> None:
    """Cumulative: 1 of 160 at 0.99, 2 of 240 at 0.9, 22 of 320 at 0.8, 22 of 800 at 0.5, which passes again, too late."""
    arrays = pool_of((0.995, 2000, 160, 1), (0.92, 1000, 80, 1), (0.82, 1000, 80, 20), (0.55, 6000, 480, 0))
    choice = choose_tau(*arrays, Promise(taus=(0.99, 0.9, 0.8, 0.5)))
    assert [row.is_tested for row in choice.rows] == [True, True, True, False]
    assert [row.passes for row in choice.rows] == [True, True, False, True]
    assert [(row.sampled, row.wrong, row.eligible) for row in choice.rows][1:3] == [(240, 2, 3000), (320, 22, 4000)]
    assert choice.granted == choice.rows[1]
    assert choice.more is None
    assert choice.reason == (
        "At tau 0.9, 2 of 240 sampled solutions have a wrong first error: with 95 % confidence at most 2.6 % of those "
        "that machines label do."
    )


def test_a_row_by_hand() -> None:
    """Of 1,000 solutions machines agree on 600; 120 of these are in the sample of 200, one wrong."""
    arrays = pool_of((0.97, 600, 120, 1), (np.nan, 400, 80, 0))
    choice = choose_tau(*arrays, Promise(taus=(0.95,)), UnitCosts(machines=0.02, people=1.5))
    (row,) = choice.rows
    assert (row.eligible, row.sampled, row.wrong, row.passes) == (600, 120, 1, True)
    assert row.machine_share == pytest.approx(0.48)
    assert row.people_share == pytest.approx(0.52)
    assert row.machine_cost == pytest.approx(20)
    assert row.people_cost == pytest.approx(520 * 1.5)
    assert row.clopper_pearson == pytest.approx(upper_bound(1, 120, 0.05))
    # The largest K with P(X <= 1) > 0.05, by sums of whole numbers.
    ways = [sum(comb(total, x) * comb(600 - total, 120 - x) for x in (0, 1)) / comb(600, 120) for total in range(1, 60)]
    most = max(total for total, tail in enumerate(ways, start=1) if tail > 0.05)
    assert row.bound == pytest.approx((most - 1) / 480)


def test_machines_do_not_label_what_they_disagree_on() -> None:
    choice = choose_tau(np.full(500, np.nan), np.arange(500) < 200, np.zeros(500, dtype=np.bool_))
    assert choice.granted is None
    assert choice.more is None
    assert choice.reason.startswith("Machines agree on no solution with a posterior of 0.5 or above.")
    assert choose_tau(np.array([]), np.array([], bool), np.array([], bool)).granted is None


def test_a_sample_too_small_says_how_many_more_it_needs() -> None:
    """40 of 40 right at tau, where half of the pool is: 59 are needed, so 19 more at tau and 38 more in the sample."""
    arrays = pool_of((0.9, 4000, 40, 0), (np.nan, 4000, 40, 0))
    choice = choose_tau(*arrays, Promise(taus=(0.8,)))
    assert choice.granted is None
    assert choice.more == 38
    assert "0 of 40 sampled" in choice.reason
    assert choice.reason.endswith(
        "A sample needs at least 38 more solutions, without a further error. Everything goes to people."
    )


def test_with_as_many_more_the_promise_would_hold() -> None:
    arrays = pool_of((0.9, 4000, 150, 5))
    choice = choose_tau(*arrays, Promise(taus=(0.8,)))
    assert choice.more is not None
    assert choose_tau(*pool_of((0.9, 4000, 150 + choice.more, 5)), Promise(taus=(0.8,))).granted
    assert not choose_tau(*pool_of((0.9, 4000, 149 + choice.more, 5)), Promise(taus=(0.8,))).granted


def test_a_pool_too_small_for_any_sample_says_so() -> None:
    choice = choose_tau(*pool_of((0.9, 30, 20, 0)), Promise(taus=(0.8,)))
    assert (choice.granted, choice.more) == (None, None)
    assert "too few for any sample" in choice.reason


def test_labels_outside_the_sample_are_not_looked_at() -> None:
    posteriors, is_sampled, is_wrong = pool_of((0.9, 3000, 200, 2), (0.7, 1000, 60, 5))
    with_others = is_wrong | ~is_sampled
    assert choose_tau(posteriors, is_sampled, with_others) == choose_tau(posteriors, is_sampled, is_wrong)


def test_the_start_depends_on_no_label() -> None:
    posteriors, is_sampled, is_wrong = pool_of((0.9, 3000, 200, 2), (0.7, 1000, 60, 5))
    starts = {
        next(row.tau for row in choose_tau(posteriors, is_sampled, labels).rows if row.is_tested)
        for labels in (is_wrong, ~is_wrong, np.zeros_like(is_wrong))
    }
    assert len(starts) == 1


# --- the promise ------------------------------------------------------------------------------------------


def broken_promises(strict: int, lax: int, sample: int, promise: Promise) -> float:
    """The largest probability of a broken promise, over all pools with two taus, by every possible sample.

    `strict` solutions are at the first tau and `lax` more at the second. Both are tested from the first on.
    """
    passes = {
        (x, n, m): m > n and risk_bound(x, n, m, promise.delta) <= promise.alpha
        for m in (strict, strict + lax)
        for n in range(1, min(m, sample) + 1)
        for x in range(n + 1)
    }

    def share(n: int, x: int, total: int, m: int) -> float:
        return comb(total, x) * comb(m - total, n - x) / comb(m, n)

    worst = 0.0
    for first in range(strict + 1):
        for second in range(lax + 1):
            broken = 0.0
            for n in range(max(1, sample - lax), min(strict, sample) + 1):
                chance = comb(strict, n) * comb(lax, sample - n) / comb(strict + lax, sample)
                for x in range(min(n, first) + 1):
                    if not passes[x, n, strict]:
                        break
                    for y in range(min(sample - n, second) + 1):
                        if passes[x + y, sample, strict + lax]:
                            left, size = first + second - x - y, strict + lax - sample
                        else:
                            left, size = first - x, strict - n
                        if left > promise.alpha * size:
                            broken += chance * share(n, x, first, strict) * share(sample - n, y, second, lax)
            worst = max(worst, broken)
    return worst


@pytest.mark.slow
@pytest.mark.parametrize(
    ("strict", "lax", "sample", "alpha", "delta"),
    [(20, 20, 16, 0.3, 0.2), (25, 15, 18, 0.25, 0.2), (15, 25, 18, 0.3, 0.15), (30, 10, 16, 0.2, 0.2)],
)
def test_of_small_pools_the_promise_holds_whatever_they_hold(
    strict: int, lax: int, sample: int, alpha: float, delta: float
) -> None:
    """For the remaining solutions, over the sequence of two taus, exactly."""
    assert 0 < broken_promises(strict, lax, sample, Promise(alpha, delta, (0.9, 0.5))) <= delta


def within_sampling_error(broken: int, projects: int, rate: float = 0.05) -> bool:
    return broken <= rate * projects + 2.33 * (rate * (1 - rate) * projects) ** 0.5


def simulate(projects: int, seed: int) -> list[Outcome]:
    rng = np.random.default_rng(seed)
    sizes = ((1000, 200), (2000, 300), (4000, 500))
    return [outcome_of(mixed_pool(rng, *sizes[number % 3]), PROMISE) for number in range(projects)]


def check_promise(outcomes: list[Outcome]) -> None:
    granted = [outcome for outcome in outcomes if outcome.is_granted]
    assert within_sampling_error(sum(outcome.exceeds for outcome in granted), len(granted))
    assert within_sampling_error(sum(outcome.exceeds_overall for outcome in granted), len(granted))


def test_in_300_simulated_projects_the_promise_holds() -> None:
    """Among those where a tau was granted, at most 5 % plus sampling error have more wrong ones than alpha."""
    outcomes = simulate(300, seed=1)
    check_promise(outcomes)
    granted = sum(outcome.is_granted for outcome in outcomes)
    assert 0.2 * 300 < granted < 0.8 * 300


@pytest.mark.slow
def test_in_2000_simulated_projects_the_promise_holds() -> None:
    check_promise(simulate(2000, seed=2))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "sample"), [(600, 300), (3000, 400)])
def test_where_machines_are_just_too_bad_everywhere_a_tau_is_hardly_ever_granted(size: int, sample: int) -> None:
    """At all of 17 taus more than alpha are wrong. Any grant is a broken promise, and many taus are no more chances."""
    rng = np.random.default_rng(3)
    outcomes = [outcome_of(bad_pool(rng, size, sample, 0.05), PROMISE) for _ in range(400)]
    assert within_sampling_error(sum(outcome.is_granted for outcome in outcomes), 400)


def test_the_start_gives_machines_more_than_one_at_fifty_nine() -> None:
    """The power of the rule: the share of the pool that machines label, against testing from the first 59 on."""
    rng = np.random.default_rng(5)
    by_rule = at_fifty_nine = 0.0
    for _ in range(300):
        pool = mixed_pool(rng, 2000, 300)
        choice = choose_tau(pool.posteriors, pool.is_sampled, pool.is_wrong)
        by_rule += choice.granted.machine_share if choice.granted else 0.0
        granted = None
        for row in choice.rows:
            if row.eligible * 300 / 2000 >= 59:
                if not row.passes:
                    break
                granted = row
        at_fifty_nine += granted.machine_share if granted else 0.0
    assert by_rule > 1.15 * at_fifty_nine > 0


# --- bad input --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"alpha": 0.0}, "alpha"),
        ({"delta": 1.0}, "delta"),
        ({"taus": ()}, "taus"),
        ({"taus": (0.5, 0.9)}, "taus"),
        ({"taus": (0.9, 0.9)}, "taus"),
        ({"taus": (1.1, 0.9)}, "taus"),
    ],
)
def test_a_promise_out_of_bounds_is_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Promise(**settings)


def test_invalid_arrays_are_named() -> None:
    none = np.zeros(2, dtype=np.bool_)
    with pytest.raises(ValueError, match="posteriors, is_sampled and is_wrong"):
        choose_tau(np.array([0.5]), none, none)
    with pytest.raises(ValueError, match="posteriors"):
        choose_tau(np.array([0.5, 1.5]), none, none)


def test_the_grid_falls_from_strict_to_lax() -> None:
    assert list(TAUS) == sorted(TAUS, reverse=True)
