"""Counts of a labeler's submissions: the total, and those of today."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.models import User
from apps.dashboard.rounds.queries import work_for
from apps.labeling.assignments.correct import correct
from apps.labeling.assignments.returns import return_assignment
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Round
from apps.labeling.progress import SubmissionCount, progress_for, submission_counts
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.queue.leases import expire_leases
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from tests.cast import make_gold, make_problem, make_solution, signed_in
from tests.world import rate

GREAT = Submission(steps=[SubmittedStep(position=place, rating=1) for place in range(3)], finish_reason="solution")


@pytest.fixture
def round_(project: Project) -> Round:
    for number in range(12):
        solution = make_solution(make_problem(project))
        if number < 3:
            make_gold(solution, 1, 1, 1)
    return open_round(project=project, protocol="first_error", gold_share=0.4)


def own(round_: Round, labeler: User) -> SubmissionCount:
    """The count that every page shows; all of them show the same."""
    work = work_for(labeler, Round.objects.filter(pk=round_.pk))[0]
    told = SubmissionCount(work.submitted, work.submitted_today)
    assert told == submission_counts(Assignment.objects.filter(labeler=labeler), "round").get(
        round_.pk, SubmissionCount()
    )
    assert progress_for(round_, labeler)["today"] == told.today
    assert told.today <= told.total
    return told


def late(round_: Round, labeler: User, other: User) -> Assignment:
    """Submitted after another labeler had filled its slot."""
    assignment = claim(round=round_, labeler=labeler)
    assert isinstance(assignment, Assignment)
    Assignment.objects.filter(pk=assignment.pk).update(leased_until=timezone.now() - timedelta(minutes=1))
    expire_leases()
    Assignment.objects.create(task=assignment.task, round=round_, labeler=other, state="submitted")
    type(assignment.task).objects.filter(pk=assignment.task_id).update(open_slots=0)
    return submit(assignment=assignment, submission=GREAT)


def test_late_submissions_are_in_both_counts(project: Project, bob: User, rita: User) -> None:
    make_solution(make_problem(project))
    make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error")
    assert late(round_, bob, rita).state == "extra"
    assert own(round_, bob) == SubmissionCount(1, 1)
    rate(round_, bob, 1, 1, 1)
    assert own(round_, bob) == SubmissionCount(2, 2)


def test_a_returned_and_resubmitted_assignment_counts_once(round_: Round, bob: User, rita: User) -> None:
    assignments = [rate(round_, bob, 1, 1, 1) for _ in range(5)]
    assert own(round_, bob) == SubmissionCount(5, 5)
    return_assignment(assignment=assignments[0], note="Look again.")
    assert own(round_, bob) == SubmissionCount(4, 4)
    rate(round_, bob, 1, 1, 1)
    assert own(round_, bob) == SubmissionCount(5, 5)
    assignments[1].refresh_from_db()
    bad = Submission(steps=[SubmittedStep(position=0, rating=-1)], finish_reason="found_error")
    correct(assignment=assignments[1], submission=bad)
    assert own(round_, bob) == SubmissionCount(5, 5)


def test_submissions_before_midnight_are_not_of_today(round_: Round, bob: User) -> None:
    assignments = [rate(round_, bob, 1, 1, 1) for _ in range(4)]
    long_ago = timezone.now() - timedelta(days=1, minutes=1)
    Assignment.objects.filter(pk__in=[assignment.pk for assignment in assignments[:3]]).update(submitted_at=long_ago)
    assert own(round_, bob) == SubmissionCount(4, 1)


def test_pages_say_whose_and_since_when(round_: Round, bob: User, mia: User) -> None:
    assignments = [rate(round_, bob, 1, 1, 1) for _ in range(4)]
    Assignment.objects.filter(pk=assignments[0].pk).update(submitted_at=timezone.now() - timedelta(days=2))
    home = signed_in(bob).get("/").content.decode()
    assert "4 by you, 3 of them today" in home
    assert "You submitted 3 tasks today, since midnight UTC" in home
    page = signed_in(bob).get("/projects/algebra/rounds/1").content.decode()
    assert "<dt>submitted by you</dt><dd>4</dd>" in page
    assert "<dt>of them today (UTC)</dt><dd>3</dd>" in page
    work = signed_in(bob).get("/projects/algebra/work").content.decode()
    assert "<dt>submitted</dt><dd>4</dd>" in work
    assert "<dt>of them today (UTC)</dt><dd>3</dd>" in work
    watched = signed_in(mia).get("/projects/algebra/rounds/1").content.decode()
    assert "3 of them today (UTC)" in watched
