"""The risk of an assignment, and the sample that reviewers check."""

from __future__ import annotations

from collections import Counter

import pytest

from apps.quality.review.risk import NEWCOMER, RANDOM_EVERY, Reason, Risk, RiskFactors, risk_of, sample, usual_pace


def test_more_reasons_are_more_risk_and_never_more_than_one() -> None:
    quiet = risk_of(RiskFactors(assignment=1, labeler=1, gold=True, agrees=True, pace=900, usual_pace=1000))
    assert (quiet.share, quiet.reasons) == (0, ())
    loud = risk_of(
        RiskFactors(
            assignment=1,
            labeler=1,
            gold=False,
            agrees=False,
            pace=100,
            usual_pace=1000,
            is_unread=True,
            assignments_before=0,
        )
    )
    assert loud.reasons == tuple(Reason)
    assert loud.share == pytest.approx(1 - 0.5 * 0.65 * 0.75 * 0.6 * 0.9)
    assert risk_of(RiskFactors(assignment=1, labeler=1, gold=False)).share == 0.5


@pytest.mark.parametrize(
    "facts",
    [
        RiskFactors(assignment=1, labeler=1, gold=None, agrees=None),
        RiskFactors(assignment=1, labeler=1, pace=1, usual_pace=None),
        RiskFactors(assignment=1, labeler=1, pace=None, usual_pace=1000),
        RiskFactors(assignment=1, labeler=1, assignments_before=NEWCOMER),
    ],
)
def test_unknown_factors_are_no_risk(facts: RiskFactors) -> None:
    assert risk_of(facts).reasons == ()


def test_a_usual_pace_needs_five_paces() -> None:
    assert usual_pace([1, 2, 3, 4]) is None
    assert usual_pace([1, 2, 30, 4, 5]) == 4


def risks(labeler: int, *shares: float) -> list[Risk]:
    return [Risk(labeler * 100 + place, labeler, share, ()) for place, share in enumerate(shares)]


def test_a_sample_takes_labelers_in_turn_and_each_ones_riskiest_first() -> None:
    many, few = risks(1, *([0.1] * 50), 0.9), risks(2, 0.2, 0.6)
    chosen = sample([*many, *few], 6)
    assert (chosen[0].labeler, chosen[0].share) == (1, 0.9)
    assert (chosen[1].labeler, chosen[1].share) == (2, 0.6)
    assert Counter(one.labeler for one in chosen) == {1: 4, 2: 2}
    assert len({one.assignment for one in chosen}) == 6


def test_a_part_of_the_sample_is_chosen_by_chance_the_same_each_time() -> None:
    one_labeler = risks(1, *(0.9 - place / 1000 for place in range(300)))
    chosen = sample(one_labeler, 30, seed="a")
    assert chosen == sample(list(reversed(one_labeler)), 30, seed="a")
    riskiest = {one.assignment for one in one_labeler[:30]}
    by_chance = [one for place, one in enumerate(chosen) if place % RANDOM_EVERY == RANDOM_EVERY - 1]
    assert len(by_chance) == 10
    assert sum(one.assignment not in riskiest for one in by_chance) >= 7
    assert sample(one_labeler, 30, seed="b") != chosen


def test_a_sample_of_nothing_is_nothing() -> None:
    assert sample([], 10) == []
    assert len(sample(risks(1, 0.1, 0.2), 10)) == 2
