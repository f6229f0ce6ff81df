from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.core.errors import Unprocessable
from apps.labeling.protocols import PROTOCOLS, TaskContext
from apps.labeling.protocols.submission import Submission, SubmittedStep

FIRST_ERROR, EVERY_STEP = PROTOCOLS["first_error"], PROTOCOLS["every_step"]
PATH = TaskContext({0: 0, 1: 0, 2: 0})


def said(*ratings: int | None, finish: str = "solution", reason: str = "") -> Submission:
    """Ratings from the first step on; None is unsure."""
    steps = [
        SubmittedStep(position=place, rating=rating, unsure=rating is None) for place, rating in enumerate(ratings)
    ]
    return Submission(steps=steps, finish_reason=finish, reason=reason)


@pytest.mark.parametrize(
    "submission",
    [
        said(1, 1, 1),
        said(1, 0, None),
        said(-1, finish="found_error"),
        said(1, 0, -1, finish="found_error"),
        said(1, finish="give_up", reason="too hard"),
        said(finish="bad_problem", reason="no question is asked"),
    ],
)
def test_first_error_accepts_a_finished_submission(submission: Submission) -> None:
    FIRST_ERROR.check(submission, PATH)


@pytest.mark.parametrize(
    ("submission", "field"),
    [
        (said(1, 1), "steps.2"),
        (said(), "steps.0"),
        (said(1, -1, 1, finish="found_error"), "steps.2"),
        (said(1, -1), "finish_reason"),
        (said(1, 1, 1, finish="found_error"), "finish_reason"),
        (said(1, 1, 1, 1), "steps[3]"),
        (said(1, finish="give_up"), "reason"),
        (said(1, finish="bad_problem", reason="  "), "reason"),
        (said(1, 1, 2), "steps[2]"),
        (said(1, 1, 1, finish="done"), "finish_reason"),
    ],
)
def test_first_error_names_what_is_missing(submission: Submission, field: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        FIRST_ERROR.check(submission, PATH)
    assert field in caught.value.fields


def test_steps_are_reached_in_order() -> None:
    gap = Submission(
        steps=[SubmittedStep(position=0, rating=1), SubmittedStep(position=2, rating=-1)], finish_reason="found_error"
    )
    with pytest.raises(Unprocessable, match="step 2"):
        FIRST_ERROR.check(gap, PATH)


def test_a_step_can_be_rated_only_once() -> None:
    twice = Submission(steps=[SubmittedStep(position=0, rating=-1)] * 2, finish_reason="found_error")
    with pytest.raises(Unprocessable):
        FIRST_ERROR.check(twice, PATH)


@pytest.mark.parametrize(
    "submission", [said(-1, -1, 1, finish="found_error"), said(-1, 1, 1, finish="solution"), said(1, 0, None)]
)
def test_every_step_goes_on_after_a_bad_one(submission: Submission) -> None:
    EVERY_STEP.check(submission, PATH)


@pytest.mark.parametrize("submission", [said(-1, finish="found_error"), said(1, 1, 1, finish="found_error")])
def test_every_step_requires_all_ratings(submission: Submission) -> None:
    with pytest.raises(Unprocessable):
        EVERY_STEP.check(submission, PATH)


@given(
    st.lists(st.sampled_from([-1, 0, 1, None]), max_size=6),
    st.integers(1, 5),
    st.sampled_from(["found_error", "solution"]),
)
def test_first_error_accepts_exactly_the_ratings_that_end_correctly(
    ratings: list[int | None], length: int, finish: str
) -> None:
    path = dict.fromkeys(range(length), 0)
    ends_bad = bool(ratings) and ratings[-1] == -1 and -1 not in ratings[:-1] and len(ratings) <= length
    ends_well = -1 not in ratings and len(ratings) == length
    legal = (ends_bad and finish == "found_error") or (ends_well and finish == "solution")
    try:
        FIRST_ERROR.check(said(*ratings, finish=finish), TaskContext(path))
        accepted = True
    except Unprocessable:
        accepted = False
    assert accepted == legal


def test_the_order_and_the_clock_do_not_make_another_submission() -> None:
    one = Submission(
        steps=[SubmittedStep(position=0, rating=1), SubmittedStep(position=1, rating=0)], finish_reason="solution"
    )
    two = Submission(steps=list(reversed(one.steps)), finish_reason="solution", active_ms=99)
    other = Submission(steps=one.steps[:1], finish_reason="solution")
    assert one.digest() == two.digest() != other.digest()
