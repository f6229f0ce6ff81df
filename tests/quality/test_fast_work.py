"""Work that is faster than reading its text is marked, whatever the pace of the others."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.labeling.assignments.correct import correct
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round
from apps.labeling.protocols.submission import Submission, SubmittedPreference, SubmittedStep
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_projects
from apps.quality.models import FastMark, QualityRules
from apps.quality.review.risk import Reason
from apps.quality.review.unreviewed import risks_of
from apps.quality.rules import change_rules
from tests.cast import make_comparison, make_problem, make_round, make_solution
from tests.labeling.test_queue import take

# Ten words of six characters: 600 ms at 1,000 words a minute.
TEN_WORDS = "abcde " * 10


@pytest.fixture
def round_(project: Project) -> Round:
    """Two solutions of one problem: 600 ms for the problem and for each of three steps."""
    problem = make_problem(project, TEN_WORDS)
    for _ in range(2):
        make_solution(problem, (TEN_WORDS, TEN_WORDS, TEN_WORDS))
    return make_round(project)


def work(active_ms: int | None, *ratings: int, reason: str = "solution") -> Submission:
    steps = [SubmittedStep(position=place, rating=rating) for place, rating in enumerate(ratings)]
    return Submission(steps=steps, finish_reason=reason, active_ms=active_ms)


def submitted(round_: Round, labeler: User, submission: Submission) -> Assignment:
    assignment = submit(assignment=take(round_, labeler), submission=submission)
    recompute_projects()
    return assignment


def floors() -> dict[int, int]:
    return dict(FastMark.objects.values_list("assignment", "floor_ms"))


def test_the_floor_is_the_problem_and_all_rated_steps(round_: Round, bob: User) -> None:
    assignment = submitted(round_, bob, work(2399, 1, 1, 1))
    assert floors() == {assignment.pk: 2400}
    risk = risks_of([assignment.pk])[assignment.pk]
    assert Reason.UNREAD in risk.reasons


def test_enough_time_is_not_marked(round_: Round, bob: User) -> None:
    submitted(round_, bob, work(2400, 1, 1, 1))
    assert floors() == {}


def test_steps_after_the_first_error_need_not_be_read(round_: Round, bob: User) -> None:
    submitted(round_, bob, work(1800, 1, -1, reason="found_error"))
    assert floors() == {}
    assignment = submitted(round_, bob, work(1199, 1, -1, reason="found_error"))
    assert floors() == {assignment.pk: 1200}, "the problem is known by now"


def test_a_task_given_up_at_once_needs_its_problem_only(round_: Round, bob: User) -> None:
    assignment = submitted(round_, bob, Submission(steps=[], finish_reason="bad_problem", reason="No.", active_ms=599))
    assert floors() == {assignment.pk: 600}


def test_unknown_times_and_imported_rounds_are_not_marked(round_: Round, bob: User) -> None:
    submitted(round_, bob, work(None, 1, 1, 1))
    Round.objects.filter(pk=round_.pk).update(origin="prm800k", generation=1)
    Assignment.objects.update(active_ms=1)
    change_rules(project=round_.project, actor=bob, reading_speed=900)
    recompute_projects()
    assert floors() == {}


def test_a_correction_does_not_add_time_to_the_first_submission(round_: Round, bob: User) -> None:
    assignment = submitted(round_, bob, work(1000, 1, 1, 1))
    correct(assignment=assignment, submission=work(60_000, 1, 1, 0))
    recompute_projects()
    assert floors() == {assignment.pk: 2400}


def test_the_speed_is_a_rule_of_the_project(round_: Round, alice: User, bob: User) -> None:
    assignment = submitted(round_, bob, work(2399, 1, 1, 1))
    change_rules(project=round_.project, actor=alice, reading_speed=2000)
    recompute_projects()
    assert floors() == {}
    change_rules(project=round_.project, actor=alice, reading_speed=500)
    recompute_projects()
    assert floors() == {assignment.pk: 4800}
    change_rules(project=round_.project, actor=alice, reading_speed=None)
    recompute_projects()
    assert floors() == {}
    for speed in (199, 5001):
        with pytest.raises(DomainError) as refused:
            change_rules(project=round_.project, actor=alice, reading_speed=speed)
        assert refused.value.fields == {"reading_speed": "must be empty or between 200 and 5,000"}
    assert QualityRules.objects.get().reading_speed is None


def test_both_sides_of_a_comparison_are_read(project: Project, bob: User) -> None:
    make_comparison(make_problem(project, TEN_WORDS), [TEN_WORDS, "abcde " * 20], [TEN_WORDS, "vwxyz " * 30])
    round_ = make_round(project, protocol="comparison")
    choice = Submission(
        steps=[],
        finish_reason="solution",
        preference=SubmittedPreference(choice="left", margin="clearly"),
        active_ms=4199,
    )
    assignment = submit(assignment=take(round_, bob), submission=choice)
    # The problem, the step that both share, and a step of each.
    assert floors() == {assignment.pk: 600 + 600 + 1200 + 1800}
