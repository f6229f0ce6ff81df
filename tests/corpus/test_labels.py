"""The rules over ratings: first error, hard label, majority."""

from __future__ import annotations

import pytest

from apps.corpus.labels import (
    BAD,
    CHOICES,
    FINISH_REASONS,
    GREAT,
    MARGINS,
    NO_ERROR,
    OKAY,
    UNKNOWN,
    first_error,
    hard_label,
    is_tie,
    majority,
)
from apps.corpus.models import Step
from apps.corpus.records import ORIGINS, PROTOCOLS
from apps.labeling.models import Assignment, Critique, PreferenceLabel, Protocol


@pytest.mark.parametrize(
    ("ratings", "length", "expected"),
    [
        ({0: 1, 1: -1, 2: 1}, 3, 1),
        ({0: 1, 1: 0}, 2, NO_ERROR),
        ({0: -1}, 3, 0),
        ({0: 1, 1: 1}, 3, UNKNOWN),
        ({1: -1}, 2, UNKNOWN),
        ({0: None, 1: -1}, 2, UNKNOWN),
        ({0: UNKNOWN, 1: -1}, 2, UNKNOWN),
        ({}, 1, UNKNOWN),
        ({0: 1, 5: -1}, 1, NO_ERROR),
    ],
)
def test_the_first_error_is_the_first_bad_step_after_rated_ones(
    ratings: dict[int, int | None], length: int, expected: int
) -> None:
    assert first_error(ratings, length) == expected


@pytest.mark.parametrize(
    ("rollouts", "successes", "hard", "expected"),
    [
        (8, 1, None, GREAT),
        (8, 0, None, BAD),
        (0, 0, None, UNKNOWN),
        (None, None, None, UNKNOWN),
        (None, None, False, BAD),
        (None, None, True, GREAT),
        (0, 0, True, GREAT),
        (8, 3, False, BAD),
        (8, None, None, UNKNOWN),
        (8, None, True, GREAT),
    ],
)
def test_a_step_without_a_counted_rollout_has_no_hard_label(
    rollouts: int | None, successes: int | None, hard: bool | None, expected: int
) -> None:
    assert hard_label(rollouts, successes, hard=hard) == expected


@pytest.mark.parametrize(
    ("ratings", "expected"),
    [
        ([1, 1, -1], GREAT),
        ([-1], BAD),
        ([1, 0], OKAY),
        ([1, 0, 0, 1, -1], OKAY),
        ([1, -1], UNKNOWN),
        ([0, -1], UNKNOWN),
        ([1, 0, -1], UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_a_majority_is_the_most_frequent_rating(ratings: list[int], expected: int) -> None:
    assert majority(ratings) == expected
    assert is_tie(ratings) is (bool(ratings) and expected == UNKNOWN)


def test_the_choices_of_the_models_are_those_of_the_rows() -> None:
    assert Assignment.FinishReason.values == list(FINISH_REASONS)
    assert PreferenceLabel.Choice.values == list(CHOICES)
    assert PreferenceLabel.Margin.values == list(MARGINS)
    assert Step.Origin.values == Critique.Origin.values == list(ORIGINS)
    assert Protocol.values == list(PROTOCOLS)
