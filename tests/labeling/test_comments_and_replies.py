"""Comments of labelers on steps, and their replies to the notes with which reviewers return their work."""

from __future__ import annotations

import pytest

from apps.accounts.models import User
from apps.core.errors import Unprocessable
from apps.corpus.labels import LONGEST_COMMENT
from apps.labeling.assignments.changes import latest_changes, submission_changes
from apps.labeling.assignments.correct import correct
from apps.labeling.assignments.replies import LONGEST_REPLY, ReturnNote, return_notes_of
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submissions import current_submission
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round
from apps.labeling.protocols.submission import Submission, SubmittedPreference, SubmittedStep
from apps.projects.models import Project
from tests.cast import make_round
from tests.labeling.test_queue import BAD, GOOD, take


@pytest.fixture
def round_(project: Project) -> Round:
    return make_round(project, tasks=2)


def commented(*comments: str, finish_reason: str = "solution", **fields: object) -> Submission:
    steps = [SubmittedStep(position=place, rating=1, comment=text) for place, text in enumerate(comments)]
    return Submission(steps=steps, finish_reason=finish_reason, **fields)  # type: ignore[arg-type]


def return_notes(assignment: Assignment) -> list[tuple[str, str]]:
    assignment.refresh_from_db()
    found = return_notes_of(assignment, assignment.past_submissions.all())
    return [(returned.note, returned.reply) for returned in found]


# --- comments -----------------------------------------------------------------------------------------------


def test_a_comment_is_stored_with_the_label_and_read_back(round_: Round, bob: User) -> None:
    assignment = submit(assignment=take(round_, bob), submission=commented("", " Why? ", ""))
    assert list(assignment.step_labels.order_by("step__position").values_list("comment", flat=True)) == ["", "Why?", ""]
    assert [step.comment for step in current_submission(assignment).steps] == ["", "Why?", ""]


def test_a_comment_alone_makes_a_correction(round_: Round, bob: User) -> None:
    assignment = submit(assignment=take(round_, bob), submission=commented("", "", ""))
    assert correct(assignment=assignment, submission=commented("", "", " ")).versions == 0
    corrected = correct(assignment=assignment, submission=commented("", "Why?", ""))
    assert (corrected.versions, latest_changes(corrected)) == (1, ["the comment on step 2"])


def test_a_comment_has_a_longest_length(round_: Round, bob: User) -> None:
    held = take(round_, bob)
    with pytest.raises(Unprocessable) as refused:
        submit(assignment=held, submission=commented("", "x" * (LONGEST_COMMENT + 1), ""))
    assert refused.value.fields == {"steps[1].comment": f"must have at most {LONGEST_COMMENT} characters"}
    assert submit(assignment=held, submission=commented("", "x" * LONGEST_COMMENT, "")).is_submitted


def test_who_gives_up_may_comment_on_the_step_that_they_could_not_rate(round_: Round, bob: User) -> None:
    steps = [SubmittedStep(position=0, rating=1), SubmittedStep(position=1, comment="What is meant?")]
    given_up = Submission(steps=steps, finish_reason="give_up", reason="Too hard")
    assignment = submit(assignment=take(round_, bob), submission=given_up)
    label = assignment.step_labels.get(step__position=1)
    assert (label.rating, label.unsure, label.chosen, label.comment) == (None, False, False, "What is meant?")
    with pytest.raises(Unprocessable):
        submit(assignment=take(round_, bob), submission=Submission(steps=steps, finish_reason="solution"))


# --- replies ------------------------------------------------------------------------------------------------


def test_notes_and_replies_are_kept_in_order(round_: Round, bob: User) -> None:
    assignment = submit(assignment=take(round_, bob), submission=GOOD)
    assert return_notes(assignment) == []
    return_assignment(assignment=assignment, note="Look at step 2.")
    assert return_notes(assignment) == [("Look at step 2.", "")]
    submit(assignment=take(round_, bob), submission=commented("", "", "", reply=" It is right. "))
    assert return_notes(assignment) == [("Look at step 2.", "It is right.")]
    correct(assignment=assignment, submission=Submission(steps=BAD.steps, finish_reason="found_error", reply="I see."))
    return_assignment(assignment=assignment, note="And step 3?")
    assert return_notes(assignment) == [("Look at step 2.", "I see."), ("And step 3?", "")]
    assignment.refresh_from_db()
    assert assignment.reply == ""
    submit(assignment=take(round_, bob), submission=GOOD)
    assert return_notes(assignment) == [("Look at step 2.", "I see."), ("And step 3?", "")]


def test_there_is_no_reply_without_a_note(round_: Round, bob: User) -> None:
    with pytest.raises(Unprocessable) as refused:
        submit(assignment=take(round_, bob), submission=commented("", "", "", reply="Hello?"))
    assert set(refused.value.fields) == {"reply"}


def test_a_reply_has_a_longest_length(round_: Round, bob: User) -> None:
    assignment = submit(assignment=take(round_, bob), submission=GOOD)
    return_assignment(assignment=assignment, note="Look again.")
    with pytest.raises(Unprocessable, match=f"{LONGEST_REPLY} are allowed"):
        submit(assignment=take(round_, bob), submission=commented("", "", "", reply="x" * (LONGEST_REPLY + 1)))


def test_a_note_without_a_reply_has_an_empty_one() -> None:
    assert ReturnNote("Why?").reply == ""


# --- what a correction changed, in words --------------------------------------------------------------------


def test_changes_name_steps_and_ratings(round_: Round, bob: User) -> None:
    assignment = submit(assignment=take(round_, bob), submission=GOOD)
    assert latest_changes(assignment) == []
    corrected = correct(assignment=assignment, submission=BAD)
    assert latest_changes(corrected) == [
        "step 1 from great to bad",
        "step 2 from great to not rated",
        "step 3 from great to not rated",
    ]


def test_what_a_reviewer_returned_is_no_change_of_the_labeler(round_: Round, bob: User) -> None:
    assignment = submit(assignment=take(round_, bob), submission=GOOD)
    return_assignment(assignment=assignment, note="Look again.")
    assert latest_changes(submit(assignment=take(round_, bob), submission=BAD)) == []


def test_changes_name_what_is_not_a_rating() -> None:
    rated = Submission(steps=[SubmittedStep(position=0, rating=-1, chosen=True)], finish_reason="found_error")
    alternative = SubmittedStep(position=0, candidate=1, rating=1)
    other = Submission(
        steps=[*rated.steps, alternative], finish_reason="give_up", reason="Too hard", progress=0, reply="Yes."
    )
    assert list(submission_changes(rated, other)) == [
        "an alternative for step 1 from not rated to great",
        "given up instead of rated",
        "how far the solution came",
        "your reply",
    ]
    left = Submission(finish_reason="solution", preference=SubmittedPreference(choice="left", margin="clearly"))
    tie = Submission(finish_reason="solution", preference=SubmittedPreference(choice="tie", rationale="Same."))
    assert list(submission_changes(left, tie)) == ["from left is clearly better to neither is better", "the rationale"]
