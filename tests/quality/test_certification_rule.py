"""Certificates on both sides of the bar, and the sizes of blind rounds."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest

from apps.quality.statistics.bootstrap import Measured
from apps.quality.statistics.exact_bounds import clopper_pearson
from apps.quality.trust.certification_rule import certify, rate_bound, round_for_bar, round_for_half_width
from apps.quality.trust.figures import judge_figures
from tests.quality.scripted_judges import judged_by_script

SURE = Measured(0.99, 0.98, 1.0, 500)


def share(hits: int, trials: int) -> Measured:
    low, high = clopper_pearson(hits, trials)
    return Measured(hits / trials, low, high, trials)


def test_a_certificate_is_granted_above_the_bar_and_refused_below() -> None:
    """Of 100, 88 have the lower bound 0.8000 (0.79998) and 89 have 0.8117."""
    assert not certify(share(88, 100), SURE).is_granted
    assert certify(share(89, 100), SURE).is_granted
    assert not certify(SURE, share(88, 100)).is_granted
    assert certify(SURE, share(89, 100)).reasons == ()
    assert certify(share(88, 100), SURE, bar=0.79).is_granted


def test_few_solutions_are_never_enough() -> None:
    """16 of 16 reach 0.794, 17 of 17 reach 0.805, whatever resampling says."""
    assert not certify(Measured(1.0, 1.0, 1.0, 16), SURE).is_granted
    assert certify(Measured(1.0, 1.0, 1.0, 17), SURE).is_granted


def test_the_bootstrap_counts_where_it_is_wider() -> None:
    """The steps of a solution depend on each other, which the bootstrap over solutions sees."""
    bound = rate_bound(Measured(0.95, 0.78, 0.99, 300), 0.8)
    assert (bound.low, bound.passes) == (0.78, False)
    assert bound.more is not None
    assert bound.more > 0


def test_a_refusal_says_what_is_missing() -> None:
    certificate = certify(share(83, 100), Measured(None, None, None, 0))
    assert not certificate.is_granted
    first, second = certificate.reasons
    assert first.startswith("true-positive rate 0.83, lower bound 0.74 is below the bar of 0.80; about ")
    assert first.endswith(" more solutions with an error are needed at this rate")
    assert second == "true-negative rate: no solutions with good steps have been judged"


def test_with_as_many_more_solutions_the_bound_is_there() -> None:
    more = certify(share(83, 100), SURE).true_positive.more
    assert more is not None
    assert clopper_pearson(0.83 * (100 + more), 100 + more)[0] >= 0.8
    assert clopper_pearson(0.83 * (99 + more), 99 + more)[0] < 0.8


@pytest.mark.parametrize("hits", [60, 80])
def test_at_a_rate_below_the_bar_no_number_of_solutions_helps(hits: int) -> None:
    certificate = certify(share(hits, 100), SURE)
    assert certificate.true_positive.more is None
    assert "do not help" in certificate.reasons[0]


@pytest.mark.parametrize(("finds", "is_granted"), [(0.95, True), (0.7, False)])
def test_scripted_judges_are_certified_on_the_right_side(finds: float, is_granted: bool) -> None:
    figures = judge_figures(judged_by_script(400, finds=finds, clears=0.97, seed=11))
    assert certify(figures.true_positive, figures.true_negative).is_granted is is_granted


@pytest.mark.slow
@pytest.mark.parametrize(("finds", "clears"), [(0.8, 0.97), (0.97, 0.8)])
def test_a_judge_at_the_bar_is_seldom_certified(finds: float, clears: float) -> None:
    """2.5 %, plus what a bootstrap of 100 solutions and 300 tries may add."""
    granted = 0
    for seed in range(300):
        figures = judge_figures(judged_by_script(100, finds=finds, clears=clears, seed=seed), resamples=300)
        granted += certify(figures.true_positive, figures.true_negative).is_granted
    assert granted / 300 <= 0.025 + 3 * (0.025 * 0.975 / 300) ** 0.5


# --- sizes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("half_width", "rate"), [(0.05, 0.9), (0.1, 0.9), (0.1, 0.5), (0.03, 0.95)])
def test_a_round_of_this_size_has_the_wanted_interval(half_width: float, rate: float) -> None:
    size = round_for_half_width(half_width, rate=rate, erroneous=0.4)
    low, high = clopper_pearson(rate * size.erroneous, size.erroneous)
    assert high - low <= 2 * half_width
    low, high = clopper_pearson(rate * (size.erroneous - 1), size.erroneous - 1)
    assert high - low > 2 * half_width
    assert size.solutions == int(np.ceil(size.erroneous / 0.4))
    # About that of the normal approximation, and never below it by much.
    assert size.erroneous == pytest.approx(1.96**2 * rate * (1 - rate) / half_width**2, rel=0.35)


def test_a_round_for_the_bar_has_the_power_that_it_says() -> None:
    """By sums over all outcomes."""
    size = round_for_bar(0.8, rate=0.9, power=0.8)
    n = size.erroneous
    passing = [hits for hits in range(n + 1) if clopper_pearson(hits, n)[0] >= 0.8]
    power = sum(comb(n, hits) * 0.9**hits * 0.1 ** (n - hits) for hits in passing)
    at_the_bar = sum(comb(n, hits) * 0.8**hits * 0.2 ** (n - hits) for hits in passing)
    assert power >= 0.8
    assert at_the_bar <= 0.025
    assert 90 <= n <= 130
    assert size.solutions == 2 * n


def test_better_judges_need_smaller_rounds() -> None:
    sizes = [round_for_bar(rate=rate).solutions for rate in (0.85, 0.9, 0.95, 0.99)]
    assert sizes == sorted(sizes, reverse=True)


def test_arguments_of_a_round_are_named() -> None:
    for call, field in (
        (lambda: round_for_half_width(0.0), "half_width"),
        (lambda: round_for_half_width(0.1, rate=1.0), "rate"),
        (lambda: round_for_half_width(0.1, erroneous=0.0), "erroneous"),
        (lambda: round_for_half_width(1e-4), "half_width"),
        (lambda: round_for_bar(0.9, rate=0.9), "rate"),
        (lambda: round_for_bar(power=1.0), "power"),
        (lambda: certify(SURE, SURE, bar=1.0), "bar"),
    ):
        with pytest.raises(ValueError, match=field):
            call()
