"""Agreement with gold, by hand."""

from __future__ import annotations

import pytest

from apps.quality.passing import Answer, agreement

CLEAN, SECOND_BAD = {0: 1, 1: 0, 2: 1}, {0: 1, 1: -1}


@pytest.mark.parametrize(
    ("gold", "said", "agrees"),
    [
        (SECOND_BAD, {0: 1, 1: -1}, True),
        (SECOND_BAD, {0: 0, 1: -1}, True),
        (SECOND_BAD, {0: -1}, False),
        (SECOND_BAD, {0: 1, 1: 1, 2: 1}, False),
        (SECOND_BAD, {0: 1, 1: 1, 2: -1}, False),
        (SECOND_BAD, {0: None, 1: -1}, False),
        (CLEAN, {0: 1, 1: 1, 2: 0}, True),
        (CLEAN, {0: 1, 1: 1, 2: -1}, False),
        (CLEAN, {0: None, 1: None, 2: None}, False),
    ],
)
def test_under_first_error_the_first_bad_step_decides(
    gold: dict[int, int], said: dict[int, int | None], agrees: bool
) -> None:
    assert agreement("first_error", [Answer(gold=gold, said=said)]) == float(agrees)


def test_several_steps_may_be_acceptable_as_the_first_error() -> None:
    def agrees(*said: int) -> bool:
        answer = Answer(gold=SECOND_BAD, said=dict(enumerate(said)), acceptable=frozenset({1, 2}))
        return agreement("first_error", [answer]) == 1

    assert agrees(1, -1)
    assert agrees(1, 1, -1)
    assert not agrees(-1)
    assert not agrees(1, 1, 1)


def test_who_leaves_early_agrees_with_nothing() -> None:
    for protocol in ("first_error", "every_step"):
        assert agreement(protocol, [Answer(gold=SECOND_BAD, said={0: 1, 1: -1}, left_early=True)]) == 0


def test_under_every_step_each_step_with_gold_counts() -> None:
    answers = [
        Answer(gold={0: 1, 1: -1, 2: 0}, said={0: 0, 1: 1, 2: 1}),  # Two of three: great or okay is one.
        Answer(gold={0: -1}, said={0: -1, 1: -1}),  # What has no gold is not asked about.
        Answer(gold={0: 1, 1: 1}, said={0: None}),  # Unsure and missing agree with nothing.
    ]
    assert agreement("every_step", answers) == pytest.approx(3 / 6)


def test_the_score_is_the_share_of_tasks() -> None:
    right, wrong = Answer(gold=SECOND_BAD, said={0: 1, 1: -1}), Answer(gold=SECOND_BAD, said={0: -1})
    assert agreement("first_error", [right, right, right, wrong]) == 0.75
    assert agreement("first_error", []) == 0
