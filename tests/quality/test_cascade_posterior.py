"""The posterior of rollouts and judges: Bayes by hand, and by counting simulated solutions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.estimation.strategies.base import Case, Counts
from apps.estimation.strategies.posterior import Priors, posterior
from apps.quality.cascade.posterior import (
    AssumedRates,
    JudgeVerdict,
    distribution_around,
    machine_label,
    verdict_likelihoods,
)
from tests.quality.scripted_judges import read_by_judge

RATES = AssumedRates(true_positive=0.8, true_negative=0.9)


def test_the_likelihoods_by_hand() -> None:
    """Three steps, the second named: the error is the first (passed), the second (found), the third, or none."""
    likelihoods = verdict_likelihoods(JudgeVerdict(1, RATES), 3)
    assert likelihoods == pytest.approx([0.2 * 0.1, 0.9 * 0.8, 0.9 * 0.1, 0.9 * 0.1])
    none = verdict_likelihoods(JudgeVerdict(NO_ERROR, RATES), 3)
    assert none == pytest.approx([0.2 * 0.81, 0.9 * 0.2 * 0.9, 0.81 * 0.2, 0.729])


@given(st.integers(1, 9), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_over_all_verdicts_the_likelihoods_sum_to_one(steps: int, finds: float, clears: float) -> None:
    verdicts = [JudgeVerdict(named, AssumedRates(finds, clears)) for named in range(NO_ERROR, steps)]
    assert sum(verdict_likelihoods(verdict, steps) for verdict in verdicts) == pytest.approx(np.ones(steps + 1))


def test_an_unreadable_verdict_is_no_evidence() -> None:
    assert verdict_likelihoods(JudgeVerdict(UNKNOWN, RATES), 3).tolist() == [1, 1, 1, 1]


def test_bayes_by_hand() -> None:
    """Two steps. Monte Carlo: 0.1, 0.6, 0.3; the judge names the second: 0.2 x 0.1, 0.9 x 0.8, 0.9 x 0.1."""
    label = machine_label(1, [0.1, 0.6, 0.3], [JudgeVerdict(1, RATES)])
    assert (label.first_error, label.agrees) == (1, True)
    assert label.posterior == pytest.approx(0.432 / (0.002 + 0.432 + 0.027))


def test_agreement_needs_monte_carlo_and_every_judge() -> None:
    flat = [0.25] * 4
    second, none = JudgeVerdict(1, RATES), JudgeVerdict(NO_ERROR, RATES)
    assert machine_label(1, flat, [second, second]).agrees
    assert machine_label(NO_ERROR, flat, [none]).agrees
    assert not machine_label(1, flat, []).agrees
    assert not machine_label(1, flat, [second, none]).agrees
    assert not machine_label(UNKNOWN, flat, [second]).agrees
    assert not machine_label(1, flat, [second, JudgeVerdict(UNKNOWN, RATES)]).agrees
    assert not machine_label(UNKNOWN, flat, [JudgeVerdict(UNKNOWN, RATES)]).agrees


def test_without_agreement_the_most_probable_first_error_is_named() -> None:
    label = machine_label(0, [0.05, 0.05, 0.9], [JudgeVerdict(NO_ERROR, RATES)])
    assert (label.first_error, label.agrees) == (NO_ERROR, False)


def test_each_judge_that_agrees_raises_the_posterior() -> None:
    posteriors = [machine_label(2, [0.25] * 4, [JudgeVerdict(2, RATES)] * judges).posterior for judges in range(4)]
    assert posteriors == sorted(posteriors)
    assert posteriors[-1] > 0.99


def test_the_posterior_of_rollouts_is_taken_as_it_is() -> None:
    """The strategy's own, from the counts; a wrong answer rules out "no error", whatever judges say."""
    case, counts = Case(3, {2: False}), [Counts(8, 0), Counts(0, 8), Counts()]
    distribution = posterior(case, counts, Priors())
    label = machine_label(1, distribution, [JudgeVerdict(1, RATES)])
    assert (label.first_error, label.agrees) == (1, True)
    assert label.posterior > max(distribution)
    assert machine_label(NO_ERROR, distribution, [JudgeVerdict(NO_ERROR, RATES)]).posterior == 0


def test_a_conclusion_alone_has_its_probability_and_the_rest_is_spread() -> None:
    assert distribution_around(NO_ERROR, 0.7, 3) == pytest.approx([0.1, 0.1, 0.1, 0.7])
    assert distribution_around(1, 0.7, 3) == pytest.approx([0.1, 0.7, 0.1, 0.1])
    assert distribution_around(UNKNOWN, 0.7, 3) == pytest.approx([0.25] * 4)


def test_with_true_rates_the_posterior_is_the_share_that_is_right() -> None:
    """Two judges on 20,000 solutions of 3 steps: of those on which both name E, the posterior's share has it there."""
    rng = np.random.default_rng(12)
    lengths, errors = np.full(20_000, 3), rng.integers(NO_ERROR, 3, 20_000)
    first, second = (
        read_by_judge(lengths, errors, finds=finds, clears=clears, rng=rng)
        for finds, clears in ((0.8, 0.9), (0.6, 0.8))
    )
    rates = AssumedRates(0.8, 0.9), AssumedRates(0.6, 0.8)
    for named in range(NO_ERROR, 3):
        both = (first == named) & (second == named)
        label = machine_label(named, [0.25] * 4, [JudgeVerdict(named, rate) for rate in rates])
        assert (errors[both] == named).mean() == pytest.approx(label.posterior, abs=0.03)


def test_invalid_arguments_are_named() -> None:
    for call, field in (
        (lambda: AssumedRates(true_positive=1.0), "true_positive"),
        (lambda: AssumedRates(true_negative=0.0), "true_negative"),
        (lambda: machine_label(3, [0.25] * 4, []), "monte_carlo_error"),
        (lambda: machine_label(0, [1.0], []), "monte_carlo_error"),
        (lambda: machine_label(0, [0.0, 0.0], []), "distribution"),
        (lambda: machine_label(0, [-0.5, 1.5], []), "distribution"),
        (lambda: machine_label(0, [0.5, 0.5], [JudgeVerdict(1, RATES)]), "verdict"),
        (lambda: distribution_around(0, 1.5, 2), "probability"),
        (lambda: distribution_around(2, 0.5, 2), "first_error"),
    ):
        with pytest.raises(ValueError, match=field):
            call()
