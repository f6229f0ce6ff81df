"""The mark of a labeler's assignment on gold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from apps.core.statistics import Proportion
from apps.corpus.labels import NO_ERROR, UNKNOWN, first_error
from apps.quality.gold.scoring import Gold, Mark, gold_agreement, mark_submission, score_marks
from tests.quality.rating_tables import SIGNS

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)


def walk(signs: str) -> dict[int, int]:
    return {position: SIGNS[sign] for position, sign in enumerate(signs) if sign != "."}


def marked(gold: str, said: str, *also: int) -> Mark:
    return mark_submission(Gold.of(walk(gold), len(gold), also), walk(said), length=len(gold), at=MONDAY)


def test_the_exact_first_error_is_a_hit_and_its_neighbour_is_within_one() -> None:
    scored = {said: marked("++-+", said) for said in ("++-", "+-", "+++-", "-", "++++")}
    assert [one.exact for one in scored.values()] == [True, False, False, False, False]
    assert [one.within_one for one in scored.values()] == [True, True, True, False, False]


def test_no_error_is_next_to_nothing() -> None:
    assert marked("++", "++").exact
    assert not marked("++", "-").within_one
    assert not marked("-+", "++").within_one


def test_any_of_several_acceptable_first_errors_is_a_hit() -> None:
    """PRM800K's researchers mark every step that it is reasonable to call the first error."""
    assert [marked("+--+", said, 2).exact for said in ("+-", "++-", "+++-", "-", "++++")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    assert marked("+-+", "+++", NO_ERROR).exact


def test_steps_are_right_as_to_bad_or_not() -> None:
    assert marked("+0-", "0+-").steps == Proportion(3, 3)
    assert marked("++-", "+-").steps == Proportion(1, 2)


def test_at_an_acceptable_first_error_both_ratings_are_right_while_a_later_one_is_acceptable() -> None:
    assert marked("+--+", "+-", 2).steps == Proportion(2, 2)
    assert marked("+--+", "++-", 2).steps == Proportion(3, 3)
    assert marked("+--+", "++++", 2).steps == Proportion(2, 3)  # At the last acceptable one, not bad is wrong.
    assert marked("+-+", "+++", NO_ERROR).steps == Proportion(3, 3)


def test_steps_behind_the_last_acceptable_error_say_nothing_of_a_labeler() -> None:
    assert marked("+-++", "+-+-").steps == Proportion(2, 2)


def test_who_gives_up_or_is_unsure_before_it_misses_and_is_scored_on_what_they_rated() -> None:
    gave_up = marked("++-", "+")
    unsure = marked("++-", "+.-")
    assert (gave_up.exact, gave_up.within_one, gave_up.steps) == (False, False, Proportion(1, 1))
    assert (unsure.exact, unsure.within_one, unsure.steps) == (False, False, Proportion(2, 2))


def test_gold_of_single_steps_scores_steps_alone() -> None:
    scored = marked(".+.", "++-")
    assert (scored.exact, scored.within_one, scored.steps) == (
        None,
        None,
        Proportion(1, 1),
    )
    assert score_marks([scored]).exact == Proportion(0, 0)


def test_the_first_error_of_gold_takes_ratings_without_a_gap() -> None:
    assert first_error(walk("+-"), 4) == 1
    assert first_error(walk("+.-"), 3) == UNKNOWN
    assert first_error(walk("++"), 2) == NO_ERROR
    assert first_error({}, 1) == UNKNOWN


def test_scores_add_up_with_wilsons_interval() -> None:
    """8 of 10: Wilson gives 0.490 to 0.943 (Newcombe 1998 has such a table; by hand with z = 1.96)."""
    scored = score_marks([marked("+-", "+-")] * 8 + [marked("+-", "++")] * 2)
    assert scored.exact == Proportion(8, 10)
    assert scored.exact.value == 0.8
    assert scored.exact.interval == pytest.approx((0.490, 0.943), abs=0.0005)
    assert scored.steps == Proportion(18, 20)


def test_without_gold_nothing_is_known() -> None:
    scored = score_marks([])
    assert (scored.exact.value, scored.exact.interval) == (None, (0.0, 1.0))


# --- what a screening is scored by ----------------------------------------------------------------------------


def share(*marks: Mark, every_step: bool = False) -> float:
    return gold_agreement(marks, every_step=every_step)


def in_every_step(gold: str, said: str, *also: int, left_early: bool = False) -> Mark:
    known = Gold.of(walk(gold), len(gold), also)
    return mark_submission(known, walk(said), length=len(gold), at=MONDAY, every_step=True, left_early=left_early)


@pytest.mark.parametrize(
    ("gold", "said", "right"),
    [
        ("+-+", "+-", True),
        ("+-+", "0-", True),
        ("+-+", "-", False),
        ("+-+", "+++", False),
        ("+-+", "++-", False),
        ("+-+", ".-", False),
        ("+0+", "++0", True),
        ("+0+", "++-", False),
        ("+0+", "...", False),
    ],
)
def test_under_first_error_the_first_bad_step_decides(gold: str, said: str, *, right: bool) -> None:
    assert share(marked(gold, said)) == float(right)


def test_any_acceptable_first_error_passes() -> None:
    assert [share(marked("+-+", said, 2)) for said in ("+-", "++-", "-", "+++")] == [1, 1, 0, 0]


def test_who_leaves_early_agrees_with_nothing() -> None:
    known = Gold.of(walk("+-+"), 3)
    left = mark_submission(known, walk("+-"), length=3, at=MONDAY, left_early=True)
    assert (left.exact, left.within_one, share(left)) == (False, False, 0)
    assert share(in_every_step("+-+", "+-+", left_early=True), every_step=True) == 0


def test_under_every_step_each_step_with_gold_counts() -> None:
    marks = (
        in_every_step("+-0", "0++"),  # Two of three: great or okay is one, and what follows the first error counts.
        in_every_step("-..", "--."),  # What has no gold is not asked about.
        in_every_step("++", "."),  # Unsure and missing agree with nothing.
    )
    assert [mark.scored_steps for mark in marks] == [3, 1, 2]
    assert share(*marks, every_step=True) == pytest.approx(3 / 6)


def test_the_score_is_the_share_of_tasks_whose_first_error_is_known() -> None:
    right, wrong, unknown = marked("+-+", "+-"), marked("+-+", "-"), marked("+..", "+++")
    assert share(right, right, right, wrong) == 0.75
    assert share(right, wrong, unknown) == 0.5
    assert share(unknown) == 1.0, "where no first error is known at all, steps are"
    assert share() == 0
