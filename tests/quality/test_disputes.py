"""The disputes of one solution by its sources."""

from __future__ import annotations

import pytest

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.disputes.kinds import Dispute, DisputeEvidence, Source, disputes_in, source_first_errors


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (DisputeEvidence(), set()),
        (DisputeEvidence(people={"bob": 2, "carol": 2}), set()),
        (DisputeEvidence(people={"bob": 2, "carol": 3}), {Dispute.PEOPLE}),
        (DisputeEvidence(people={"bob": 2, "carol": NO_ERROR}), {Dispute.PEOPLE}),
        (DisputeEvidence(people={"bob": 2, "carol": UNKNOWN}), set()),
        (DisputeEvidence(people={"bob": 2}, monte_carlo=2), set()),
        (DisputeEvidence(people={"bob": 2}, monte_carlo=3), {Dispute.PEOPLE_MONTE_CARLO}),
        (DisputeEvidence(people={"bob": 2, "carol": 3}, monte_carlo=3), {Dispute.PEOPLE}),
        (
            DisputeEvidence(people={"bob": 2, "carol": 3}, monte_carlo=3, consensus=2),
            {Dispute.PEOPLE, Dispute.PEOPLE_MONTE_CARLO},
        ),
        (DisputeEvidence(people={"bob": 2}, judges={"j": 2}), set()),
        (DisputeEvidence(people={"bob": 2}, judges={"j": 3}), {Dispute.PEOPLE_JUDGE}),
        (
            DisputeEvidence(people={"bob": 2, "carol": 3}, judges={"j": 3}, consensus=2),
            {Dispute.PEOPLE, Dispute.PEOPLE_JUDGE},
        ),
        (DisputeEvidence(people={"bob": 2}, judges={"j": UNKNOWN}), set()),
        (DisputeEvidence(monte_carlo=1, judges={"j": 1}), set()),
        (DisputeEvidence(monte_carlo=1, judges={"j": 2}), {Dispute.MONTE_CARLO_JUDGE}),
        (DisputeEvidence(monte_carlo=1, judges={"j": 1, "k": NO_ERROR}), {Dispute.MONTE_CARLO_JUDGE}),
        (DisputeEvidence(monte_carlo=1, judges={"j": UNKNOWN}), set()),
        (DisputeEvidence(judges={"j": 2}), set()),
        (DisputeEvidence(people={"bob": NO_ERROR}, is_correct=True), set()),
        (DisputeEvidence(people={"bob": 1}, is_correct=True), {Dispute.RIGHT_WITH_BAD_STEP}),
        (DisputeEvidence(judges={"j": 0}, is_correct=True), {Dispute.RIGHT_WITH_BAD_STEP}),
        (DisputeEvidence(people={"bob": 1}, is_correct=False), set()),
        (DisputeEvidence(people={"bob": NO_ERROR}, is_correct=False), {Dispute.WRONG_WITHOUT_BAD_STEP}),
        (DisputeEvidence(people={"bob": NO_ERROR}, is_correct=None), set()),
        (DisputeEvidence(unsure=["bob"]), {Dispute.UNSURE}),
        (DisputeEvidence(is_correct=False, score=0.9), {Dispute.CONVINCING_WRONG_ANSWER}),
        (DisputeEvidence(is_correct=False, score=0.5), {Dispute.CONVINCING_WRONG_ANSWER}),
        (DisputeEvidence(is_correct=False, score=0.49), set()),
        (DisputeEvidence(is_correct=True, score=0.9), set()),
        (DisputeEvidence(is_correct=None, score=0.9), set()),
    ],
)
def test_each_kind_of_dispute(evidence: DisputeEvidence, expected: set[Dispute]) -> None:
    assert disputes_in(evidence) == expected


def test_the_answer_is_compared_with_gold_alone_then_with_consensus() -> None:
    """What a judge says against a right answer is nothing once gold or the consensus says that no step is bad."""
    settled = DisputeEvidence(judges={"j": 0}, consensus=NO_ERROR, is_correct=True)
    assert Dispute.RIGHT_WITH_BAD_STEP not in disputes_in(settled)
    overruled = DisputeEvidence(consensus=NO_ERROR, gold=frozenset({1, 2}), is_correct=True)
    assert Dispute.RIGHT_WITH_BAD_STEP in disputes_in(overruled)


def test_gold_that_accepts_an_error_and_none_says_nothing_against_the_answer() -> None:
    either = frozenset({2, NO_ERROR})
    assert disputes_in(DisputeEvidence(gold=either, is_correct=True)) == set()
    assert disputes_in(DisputeEvidence(gold=either, is_correct=False)) == set()


def test_a_solution_falls_in_every_kind_that_holds() -> None:
    evidence = DisputeEvidence(
        people={"bob": NO_ERROR, "carol": 3},
        unsure=["carol"],
        monte_carlo=1,
        judges={"j": 2},
        gold=frozenset({NO_ERROR}),
        is_correct=False,
        score=0.8,
    )
    assert disputes_in(evidence) == set(Dispute) - {Dispute.RIGHT_WITH_BAD_STEP}


@pytest.mark.parametrize(
    ("people", "consensus", "expected"),
    [
        ({"bob": 2}, 2, False),
        ({"bob": 1}, 1, False),
        ({"bob": 3}, 3, True),
        ({"bob": NO_ERROR}, NO_ERROR, True),
        ({"bob": 2, "carol": 2, "dave": 3}, 2, True),
        ({"bob": UNKNOWN}, UNKNOWN, False),
        ({}, UNKNOWN, False),
    ],
)
def test_a_label_that_gold_does_not_accept_is_a_dispute(people: dict[str, int], consensus: int, expected: bool) -> None:
    evidence = DisputeEvidence(people=people, consensus=consensus, gold=frozenset({1, 2}))
    assert (Dispute.PEOPLE_GOLD in disputes_in(evidence)) is expected


@pytest.mark.parametrize(("rollouts", "expected"), [(2, False), (3, True), (NO_ERROR, True), (UNKNOWN, False)])
def test_rollouts_that_gold_does_not_accept_are_a_dispute(rollouts: int, expected: bool) -> None:
    kinds = disputes_in(DisputeEvidence(monte_carlo=rollouts, gold=frozenset({2})))
    assert kinds == ({Dispute.MONTE_CARLO_GOLD} if expected else set())


def test_what_convinces_is_a_setting() -> None:
    evidence = DisputeEvidence(is_correct=False, score=0.6)
    assert disputes_in(evidence, convincing=0.7) == set()


def test_the_first_errors_of_all_sources_are_listed_gold_first() -> None:
    evidence = DisputeEvidence(
        people={"carol": 3, "bob": UNKNOWN}, monte_carlo=1, judges={"j": 2}, gold=frozenset({2, 1}), consensus=3
    )
    assert [(one.source, one.name, one.first_error) for one in source_first_errors(evidence)] == [
        (Source.GOLD, "", 1),
        (Source.GOLD, "", 2),
        (Source.CONSENSUS, "", 3),
        (Source.PERSON, "bob", UNKNOWN),
        (Source.PERSON, "carol", 3),
        (Source.MONTE_CARLO, "", 1),
        (Source.JUDGE, "j", 2),
    ]
    assert source_first_errors(DisputeEvidence()) == []
