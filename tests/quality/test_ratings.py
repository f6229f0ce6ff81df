"""Flat arrays: invalid ones are refused, and each labeler names a first error."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.statistics.ratings import Ratings, first_errors_of, ints
from tests.quality.rating_tables import ratings_of


def named(*walks: str) -> list[int]:
    return ratings_of([[*walks]]).first_errors().errors.tolist()


def test_the_first_error_is_the_first_bad_step() -> None:
    assert named("++-", "+0-", "-++", "++-+") == [2, 2, 0, 2]


def test_no_error_takes_a_rating_of_every_step() -> None:
    assert named("++0", "+++") == [NO_ERROR, NO_ERROR]
    assert named("+++", "++.", "++") == [NO_ERROR, UNKNOWN, UNKNOWN]


def test_after_an_unsure_step_the_first_error_is_unknown() -> None:
    assert named("+.-", "..-", "-.-") == [UNKNOWN, UNKNOWN, 0]


def test_first_errors_come_by_solution_and_then_in_the_order_of_submission() -> None:
    said = ratings_of([["", "+-", "++"], ["-", "+-", ""]], order=[2, 1, 0]).first_errors()
    assert said.solutions.tolist() == [0, 0, 1, 1]
    assert said.labelers.tolist() == [2, 1, 1, 0]
    assert said.errors.tolist() == [NO_ERROR, 1, 1, 0]


def test_labels_of_steps_give_first_errors_by_the_same_rule() -> None:
    labels = ints([1, 1, -1, 1, UNKNOWN, -1, 1, 0, UNKNOWN])
    assert first_errors_of(labels, ints([0, 3, 6, 8, 9])).tolist() == [2, UNKNOWN, NO_ERROR, UNKNOWN]


def test_without_entries_nobody_names_anything() -> None:
    said = Ratings.of([], [], [], [0, 2, 3])
    assert said.first_errors().errors.tolist() == []
    assert first_errors_of(ints([UNKNOWN] * 3), said.offsets).tolist() == [UNKNOWN, UNKNOWN]
    assert said.reliability_data().counts().tolist() == [[0, 0, 0]] * 3


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"steps": [0, 1]}, "one length"),
        ({"steps": [3]}, "steps"),
        ({"steps": [-1]}, "steps"),
        ({"labelers": [-1]}, "labelers"),
        ({"labelers": [4], "labeler_count": 4}, "labelers"),
        ({"ratings": [2]}, "ratings"),
        ({"offsets": [0, 2, 2, 3]}, "offsets"),
        ({"offsets": [1, 3]}, "offsets"),
        ({"offsets": []}, "offsets"),
    ],
)
def test_arrays_that_do_not_fit_are_refused_by_name(fields: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Ratings.of(**({"steps": [0], "labelers": [0], "ratings": [1], "offsets": [0, 3]} | fields))


def test_who_rates_a_step_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        Ratings.of([0, 0], [1, 1], [1, -1], [0, 2]).first_errors()


@given(st.lists(st.lists(st.text(alphabet="+0-.", max_size=5), min_size=2, max_size=4), min_size=1, max_size=6))
def test_first_errors_are_what_reading_step_by_step_gives(table: list[list[str]]) -> None:
    said = ratings_of(table)
    lengths = np.diff(said.offsets)
    for solution, labeler, error in zip(
        said.first_errors().solutions, said.first_errors().labelers, said.first_errors().errors, strict=True
    ):
        assert error == _read(table[solution][labeler].ljust(lengths[solution], "."))


def _read(walk: str) -> int:
    for position, sign in enumerate(walk):
        if sign == ".":
            return UNKNOWN
        if sign == "-":
            return position
    return NO_ERROR
