"""Choruses by each rule, and why the weights are what they are."""

from __future__ import annotations

from itertools import product
from math import log, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.trust.vote_combination import ChorusRule, ChorusVerdict, combine, weight_of

MAJORITY, UNANIMOUS, WEIGHTED = ChorusRule.MAJORITY, ChorusRule.UNANIMOUS, ChorusRule.WEIGHTED


def test_the_majority_is_what_more_judges_name_than_anything_else() -> None:
    assert combine([2, 2, 4], MAJORITY) == ChorusVerdict(2, pytest.approx(2 / 3))
    assert combine([2, 2, 4, 5, NO_ERROR], MAJORITY) == ChorusVerdict(2, pytest.approx(2 / 5))
    assert combine([NO_ERROR, NO_ERROR, 0], MAJORITY).first_error == NO_ERROR


def test_a_tie_is_unknown() -> None:
    assert combine([2, 4], MAJORITY) == ChorusVerdict(UNKNOWN, 0.5)
    assert combine([2, 2, 4, 4, 1], MAJORITY).first_error == UNKNOWN


def test_unreadable_votes_win_nothing_and_lower_the_share() -> None:
    assert combine([UNKNOWN, UNKNOWN, 3], MAJORITY) == ChorusVerdict(3, pytest.approx(1 / 3))
    assert combine([UNKNOWN, UNKNOWN], MAJORITY) == ChorusVerdict(UNKNOWN, 0.0)
    assert combine([], MAJORITY) == ChorusVerdict(UNKNOWN, 0.0)


def test_unanimous_needs_everyone() -> None:
    assert combine([3, 3, 3], UNANIMOUS) == ChorusVerdict(3, 1.0)
    assert combine([3, 3, 2], UNANIMOUS) == ChorusVerdict(UNKNOWN, pytest.approx(2 / 3))
    assert combine([3, 3, UNKNOWN], UNANIMOUS).first_error == UNKNOWN


def test_one_good_judge_may_outvote_two_poor_ones() -> None:
    weights = [weight_of(0.95), weight_of(0.6), weight_of(0.7)]
    assert weights == pytest.approx([log(19), log(1.5), log(7 / 3)])
    assert combine([1, 4, 4], WEIGHTED, weights).first_error == 1
    assert combine([1, 4, 4], MAJORITY).first_error == 4
    assert combine([1, 4], WEIGHTED, [0.7, 0.7]).first_error == UNKNOWN


def test_judges_that_guess_have_no_weight_and_perfect_ones_a_bounded_one() -> None:
    assert weight_of(0.5) == weight_of(0.2) == 0
    assert weight_of(1.0) == weight_of(0.99) == pytest.approx(log(99))
    assert combine([1, 1], WEIGHTED, [0.0, 0.0]) == ChorusVerdict(UNKNOWN, 0.0)
    assert weight_of(0.5, alternatives=5) == pytest.approx(log(4))


@given(st.lists(st.floats(0.51, 0.98), min_size=3, max_size=6))
def test_with_two_alternatives_the_weighted_rule_is_right_most_often(agreements: list[float]) -> None:
    """Nitzan and Paroush 1982: over all votes of independent judges it takes the more probable of the two."""
    weights = [weight_of(agreement) for agreement in agreements]
    for votes in product((NO_ERROR, 0), repeat=len(agreements)):
        likelihoods = {
            truth: prod(p if vote == truth else 1 - p for p, vote in zip(agreements, votes, strict=True))
            for truth in (NO_ERROR, 0)
        }
        verdict = combine(votes, WEIGHTED, weights)
        if abs(log(likelihoods[0] / likelihoods[NO_ERROR])) > 1e-6:
            assert verdict.first_error == max(likelihoods, key=likelihoods.__getitem__)


@given(st.lists(st.integers(UNKNOWN, 4), max_size=7))
def test_equal_weights_are_the_majority(named: list[int]) -> None:
    assert combine(named, WEIGHTED, [2.0] * len(named)).first_error == combine(named, MAJORITY).first_error


def test_invalid_weights_and_agreements_are_named() -> None:
    for call, field in (
        (lambda: combine([1, 2], WEIGHTED, [1.0]), "weights"),
        (lambda: combine([1, 2], WEIGHTED, [1.0, -1.0]), "weights"),
        (lambda: weight_of(1.2), "agreement"),
        (lambda: weight_of(0.9, alternatives=1), "alternatives"),
    ):
        with pytest.raises(ValueError, match=field):
            call()
