"""Corrections: the newest submission counts, and the earlier ones are kept."""

from __future__ import annotations

import pytest

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, Unprocessable
from apps.labeling.assignments.correct import correct, why_not_correctable
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submissions import current_submission
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, PastSubmission, PreferenceLabel, Round
from apps.labeling.progress import progress_for
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.rounds.services import set_round_status
from apps.projects.models import Project
from tests.cast import make_round
from tests.labeling.test_queue import BAD, GOOD, take


@pytest.fixture
def round_(project: Project) -> Round:
    return make_round(project, tasks=2)


@pytest.fixture
def said(round_: Round, bob: User) -> Assignment:
    return submit(assignment=take(round_, bob), submission=GOOD)


def ratings(assignment: Assignment) -> list[int | None]:
    return list(assignment.step_labels.order_by("step__position").values_list("rating", flat=True))


def test_a_correction_replaces_the_submission_and_keeps_the_old_one(said: Assignment, bob: User) -> None:
    first_time = said.submitted_at
    now = correct(assignment=said, submission=BAD)
    now.refresh_from_db()
    assert (ratings(now), now.finish_reason, now.versions, now.submitted_at) == ([-1], "found_error", 1, first_time)
    (past,) = PastSubmission.objects.filter(assignment=now)
    before = Submission.from_dict(past.submission)
    assert [step.rating for step in before.steps] == [1, 1, 1]
    assert (past.number, past.submitted_at, before.finish_reason) == (1, first_time, "solution")
    event = AuditEvent.objects.get(verb="assignment.corrected")
    assert (event.actor, event.target) == (bob, str(now.pk))
    assert event.before["finish_reason"] == "solution"
    assert progress_for(now.round, bob) == {"done": 1, "total": 2, "mine": 1, "today": 1}


def test_each_correction_is_a_version(said: Assignment) -> None:
    correct(assignment=said, submission=BAD)
    again = correct(assignment=said, submission=GOOD)
    assert again.versions == 2
    first, second = PastSubmission.objects.filter(assignment=said)
    assert second.submitted_at == first.replaced_at
    assert Submission.from_dict(second.submission).finish_reason == "found_error"


def test_the_same_submission_again_changes_nothing(said: Assignment) -> None:
    assert correct(assignment=said, submission=GOOD).versions == 0
    correct(assignment=said, submission=BAD)
    assert correct(assignment=said, submission=BAD).versions == 1
    assert not AuditEvent.objects.filter(verb="assignment.corrected").count() > 1


def test_a_correction_based_on_an_older_version_is_refused(said: Assignment) -> None:
    """The same submission again is no conflict, whatever was seen: the response to it may have been lost."""
    correct(assignment=said, submission=BAD)
    with pytest.raises(Conflict) as told:
        correct(assignment=said, submission=GOOD, seen=0)
    assert (told.value.code, ratings(said)) == ("corrected_elsewhere", [-1])
    assert correct(assignment=said, submission=BAD, seen=0).versions == 1
    assert correct(assignment=said, submission=GOOD, seen=1).versions == 2


def test_the_time_of_a_correction_is_added(said: Assignment) -> None:
    Assignment.objects.filter(pk=said.pk).update(active_ms=5000)
    timed = Submission(steps=BAD.steps, finish_reason="found_error", active_ms=1500)
    assert correct(assignment=said, submission=timed).active_ms == 6500


def test_a_correction_must_satisfy_the_protocol(said: Assignment) -> None:
    half = Submission(steps=[SubmittedStep(position=0, rating=1)], finish_reason="solution")
    with pytest.raises(Unprocessable):
        correct(assignment=said, submission=half)
    said.refresh_from_db()
    assert (ratings(said), said.versions) == ([1, 1, 1], 0)


@pytest.mark.parametrize("status", ["paused", "closed"])
def test_only_while_the_round_is_open(said: Assignment, alice: User, status: str) -> None:
    set_round_status(round=said.round, status=status, actor=alice)
    with pytest.raises(Conflict, match=status):
        correct(assignment=said, submission=BAD)


def test_not_where_the_round_allows_none(said: Assignment) -> None:
    said.round.allows_corrections = False
    with pytest.raises(Conflict, match="does not allow corrections"):
        correct(assignment=said, submission=BAD)


def test_only_what_was_submitted(round_: Round, bob: User) -> None:
    with pytest.raises(Conflict, match="submitted"):
        correct(assignment=take(round_, bob), submission=BAD)


def test_a_submission_is_read_back_as_it_was_made(round_: Round, bob: User) -> None:
    words = Submission(
        steps=[SubmittedStep(position=0, rating=None, unsure=True), SubmittedStep(position=1, rating=-1)],
        finish_reason="found_error",
    )
    assignment = submit(assignment=take(round_, bob), submission=words)
    back = current_submission(assignment)
    assert [(one.position, one.rating, one.unsure) for one in back.steps] == [(0, None, True), (1, -1, False)]
    assert why_not_correctable(assignment) is None


def test_a_preference_is_read_back_as_its_sides_were_shown(said: Assignment) -> None:
    PreferenceLabel.objects.create(assignment=said, choice="left", margin="clearly", rationale="shorter")
    said.sides_swapped = True
    preference = current_submission(said).preference
    assert preference is not None
    assert (preference.choice, preference.margin, preference.rationale) == ("right", "clearly", "shorter")


def test_a_returned_assignment_says_why_it_cannot_be_corrected(said: Assignment) -> None:
    back = return_assignment(assignment=said, note="Once more, please.")
    assert (
        why_not_correctable(back)
        == "A reviewer has returned this task to you: it is served to you before any new task."
    )
