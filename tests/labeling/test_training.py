"""Training rounds: gold is shown after a submission, and to nobody who could still be measured by it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.errors import Conflict, DomainError
from apps.corpus.models import Solution
from apps.labeling.assignments.correct import correct, refusal_of_correction, why_not_correctable
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, GoldLabel, Round
from apps.labeling.protocols.submission import Submission, SubmittedStep
from apps.labeling.queue.claim import claim
from apps.labeling.queue.eligibility import NoTask
from apps.labeling.queue.leases import skip
from apps.labeling.rounds.preview import preview_of
from apps.labeling.rounds.services import create_round, edit_round, open_round, set_round_status
from apps.projects.models import Project
from apps.quality.review.assignments import correct_assignment, return_to_labeler
from apps.quality.review.decisions import refusals_of
from apps.quality.review.unreviewed import newest_unreviewed
from tests.cast import bearer, make_gold, make_problem, make_screening, make_solution
from tests.quality.submissions import submission_of

pytestmark = pytest.mark.django_db


def gold_solution(project: Project) -> Solution:
    solution = make_solution(make_problem(project))
    make_gold(solution, 1, -1)
    return solution


def training(project: Project, **settings: Any) -> Round:
    return open_round(project=project, protocol="first_error", kind="training", **settings)


def claimed(round_: Round, labeler: User) -> Assignment:
    assignment = claim(round=round_, labeler=labeler, dice=random.Random(1))
    assert isinstance(assignment, Assignment), assignment
    return assignment


def rate(assignment: Assignment, *ratings: int) -> Assignment:
    return submit(assignment=assignment, submission=submission_of(ratings))


def answer_of(client: Client, assignment: Assignment) -> Any:
    return client.get(f"/api/v1/assignments/{assignment.pk}/answer")


# --- the round ------------------------------------------------------------------------------------------------


def test_a_training_round_has_gold_only_and_is_blind_and_final(project: Project) -> None:
    gold, _ = gold_solution(project), make_solution(make_problem(project))
    round_ = training(project, mode="verify", redundancy=3, pass_mark=0.5, tries=4)
    assert [task.solution for task in round_.tasks.all()] == [gold]
    assert round_.number == -1
    assert (round_.mode, round_.redundancy, round_.pass_mark, round_.tries) == ("blind", 1, None, 1)
    assert (round_.allows_corrections, round_.task_count, round_.slot_count) == (False, 1, 0)


def test_a_training_round_without_gold_cannot_be_opened(project: Project) -> None:
    make_solution(make_problem(project))
    with pytest.raises(DomainError, match="gold labels"):
        training(project)


@pytest.mark.parametrize("protocol", ["branching", "comparison"])
def test_only_protocols_with_gold_can_be_trained(project: Project, protocol: str) -> None:
    with pytest.raises(DomainError) as refusal:
        create_round(project=project, protocol=protocol, kind="training")
    assert "protocol" in refusal.value.fields


def test_an_unknown_kind_is_refused_by_name_and_a_draft_keeps_its_kind(project: Project, alice: User) -> None:
    with pytest.raises(DomainError) as refusal:
        create_round(project=project, protocol="first_error", kind="exam")
    assert refusal.value.fields == {"kind": "must be one of work, screening, training"}
    draft = create_round(project=project, protocol="first_error", kind="training")
    with pytest.raises(DomainError) as refusal:
        edit_round(round=draft, actor=alice, changes={"kind": "screening"})
    assert "kind" in refusal.value.fields


def test_each_labeler_does_all_training_tasks_once(project: Project, bob: User, mia: User) -> None:
    for _ in range(2):
        gold_solution(project)
    round_ = training(project)
    for labeler in (bob, mia):
        for _ in range(2):
            rate(claimed(round_, labeler), 1, -1)
        end = claim(round=round_, labeler=labeler)
        assert isinstance(end, NoTask)
        assert (end.code, end.message) == ("all_done", "You have done all tasks of this training round.")
    submission = Assignment.objects.first()
    assert submission is not None
    assert why_not_correctable(submission) == "This round does not allow corrections."


# --- the answer -----------------------------------------------------------------------------------------------


def test_the_answer_has_gold_beside_the_own_ratings_with_explanations(project: Project, bob: User) -> None:
    gold_solution(project)
    GoldLabel.objects.filter(rating=-1).update(explanation="Two does not follow.")
    assignment = rate(claimed(training(project), bob), 1, 1, 1)
    answer = answer_of(bearer(bob), assignment).json()
    assert answer["first_errors"] == [1]
    assert answer["steps"] == [
        {"position": 0, "rating": 1, "unsure": False, "gold": 1, "is_right": True, "explanation": ""},
        {
            "position": 1,
            "rating": 1,
            "unsure": False,
            "gold": -1,
            "is_right": False,
            "explanation": "Two does not follow.",
        },
        {"position": 2, "rating": 1, "unsure": False, "gold": None, "is_right": None, "explanation": ""},
    ]


@pytest.mark.parametrize(
    ("submission", "is_right"),
    [
        (submission_of([1, 1, 1]), True),
        (submission_of([1, -1]), False),
        (submission_of([1, None, 1]), False),
        (Submission(finish_reason="give_up", reason="Too hard."), False),
    ],
)
def test_only_who_names_a_first_error_that_gold_accepts_agrees_with_it(
    project: Project, bob: User, submission: Submission, *, is_right: bool
) -> None:
    """Who gives up or is unsure names no error, which is not the answer that there is none."""
    make_gold(make_solution(make_problem(project)), 1, 1, 1)
    lesson = submit(assignment=claimed(training(project), bob), submission=submission)
    answer = answer_of(bearer(bob), lesson).json()
    assert (answer["first_errors"], answer["is_right"]) == ([-1], is_right)


def test_nobody_sees_an_answer_before_the_submission_or_that_of_another(
    project: Project, bob: User, mia: User, charlie: User
) -> None:
    gold_solution(project)
    assignment = claimed(training(project), bob)
    assert "gold" not in bearer(bob).get(f"/api/v1/assignments/{assignment.pk}").content.decode()
    refused = answer_of(bearer(bob), assignment)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_submitted")
    rate(assignment, 1, -1)
    assert answer_of(bearer(bob), assignment).status_code == 200
    for other in (mia, charlie):
        assert answer_of(bearer(other), assignment).status_code == 404


@pytest.mark.parametrize("kind", ["work", "screening"])
def test_gold_of_other_rounds_has_no_answer(project: Project, bob: User, kind: str) -> None:
    gold_solution(project)
    round_ = open_round(project=project, protocol="first_error", kind=kind)
    assignment = rate(claimed(round_, bob), 1, -1)
    assert answer_of(bearer(bob), assignment).status_code == 404


# --- gold that training has shown measures nobody -------------------------------------------------------------


def test_a_screening_and_training_never_share_gold(project: Project, mia: User) -> None:
    screening = make_screening(project, tasks=2)
    draft = create_round(project=project, protocol="first_error", kind="training")
    preview = preview_of(draft)
    assert preview.refusal is not None
    assert "belongs to a screening" in preview.refusal.message
    set_round_status(round=screening, status="closed", actor=mia)
    assert preview_of(draft).refusal is not None  # It may be opened again.
    free = gold_solution(project)
    round_ = training(project)
    assert [task.solution for task in round_.tasks.all()] == [free]
    with pytest.raises(DomainError, match="No solution"):
        open_round(project=project, protocol="first_error", kind="screening", select="subject:none")
    later = open_round(project=project, protocol="first_error", kind="screening")
    assert later.tasks.filter(solution=free).count() == 0


def test_a_screening_of_trained_gold_alone_cannot_be_opened(project: Project) -> None:
    gold_solution(project)
    training(project)
    with pytest.raises(DomainError, match="has shown its answers"):
        open_round(project=project, protocol="first_error", kind="screening")


@pytest.mark.parametrize("is_submitted", [False, True])
@pytest.mark.parametrize("gold_share", [0.0, 0.5])
def test_a_trained_solution_is_served_to_its_labeler_nowhere_else(
    project: Project, bob: User, mia: User, gold_share: float, *, is_submitted: bool
) -> None:
    shown = gold_solution(project)
    lesson = claimed(training(project), bob)
    if is_submitted:
        rate(lesson, 1, -1)
    for _ in range(3):
        make_solution(make_problem(project))
    work = open_round(project=project, protocol="first_error", gold_share=gold_share, redundancy=5)
    served = {labeler: solutions_served(work, labeler) for labeler in (bob, mia)}
    assert shown.pk not in served[bob]
    assert shown.pk in served[mia]
    assert len(served[bob]) == 3


def solutions_served(round_: Round, labeler: User) -> set[int | None]:
    solutions: set[int | None] = set()
    while isinstance(assignment := claim(round=round_, labeler=labeler, dice=AlwaysGold()), Assignment):
        solutions.add(assignment.task.solution_id)
        rate(assignment, 1, 1, 1)
    return solutions


class AlwaysGold(random.Random):
    """Gold at each claim for which the round has a share of it."""

    def random(self) -> float:
        return 0.1


@pytest.mark.parametrize("state", ["leased", "skipped", "returned"])
def test_training_waits_until_the_same_solution_is_finished_in_another_round(
    project: Project, bob: User, state: str
) -> None:
    gold_solution(project)
    work = open_round(project=project, protocol="first_error")
    lesson = training(project)
    held = claimed(work, bob)
    if state == "skipped":
        skip(assignment=held)
    elif state == "returned":
        Assignment.objects.filter(pk=held.pk).update(state="returned")
    assert isinstance(claim(round=lesson, labeler=bob), NoTask)
    Assignment.objects.filter(pk=held.pk).update(state="leased")
    rate(held, 1, -1)
    assert isinstance(claim(round=lesson, labeler=bob), Assignment)


def test_an_answer_is_withheld_while_the_task_is_begun_elsewhere(project: Project, bob: User) -> None:
    """The queue prevents this; the answer checks it once more."""
    gold_solution(project)
    work = open_round(project=project, protocol="first_error")
    held = claimed(work, bob)
    Assignment.objects.filter(pk=held.pk).update(state="released")
    lesson = rate(claimed(training(project), bob), 1, -1)
    Assignment.objects.filter(pk=held.pk).update(state="returned")
    refused = answer_of(bearer(bob), lesson)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "begun_elsewhere")


@pytest.mark.parametrize("state", ["released", "expired"])
def test_a_task_given_back_cannot_be_submitted_once_training_has_shown_its_answer(
    project: Project, bob: User, state: str
) -> None:
    """The page of the task may still be open in another tab."""
    gold_solution(project)
    held = claimed(open_round(project=project, protocol="first_error"), bob)
    Assignment.objects.filter(pk=held.pk).update(state=state)
    lesson = claimed(training(project), bob)
    rate(lesson, 1, 1, 1)
    with pytest.raises(Conflict, match="seen the answer") as refusal:
        rate(held, 1, -1)
    assert refusal.value.code == "answer_seen"
    assert Assignment.objects.submitted().get() == lesson


def test_a_submission_cannot_be_corrected_once_training_has_shown_its_answer(project: Project, bob: User) -> None:
    gold_solution(project)
    own = rate(claimed(open_round(project=project, protocol="first_error"), bob), 1, 1, 1)
    assert refusal_of_correction(own) is None
    lesson = claimed(training(project), bob)
    assert refusal_of_correction(own) is None
    rate(lesson, 1, 1, 1)
    opened = bearer(bob).get(f"/api/v1/assignments/{own.pk}").json()
    assert (opened["correctable"], "in training" in opened["why_not"]) == (False, True)
    learned = Submission(
        steps=[SubmittedStep(position=0, rating=1), SubmittedStep(position=1, rating=-1)], finish_reason="found_error"
    )
    with pytest.raises(Conflict, match="in training"):
        correct(assignment=own, submission=learned)


def test_a_repeated_submission_of_training_stays_one(project: Project, bob: User) -> None:
    gold_solution(project)
    assignment = rate(claimed(training(project), bob), 1, -1)
    rate(assignment, 1, -1)
    with pytest.raises(Conflict):
        rate(assignment, 1, 1, 1)


def test_reviewers_leave_what_has_a_known_answer(project: Project, bob: User, rita: User) -> None:
    """Neither does a lesson wait for them, nor is a solution labeled again by who knows its answer."""
    gold_solution(project)
    worked = rate(claimed(open_round(project=project, protocol="first_error"), bob), 1, -1)
    lesson = rate(claimed(training(project), bob), 1, 1, 1)
    assert newest_unreviewed(project) == [worked.pk]
    with pytest.raises(Conflict, match="seen the answer in training"):
        return_to_labeler(assignment=worked, reviewer=rita, note="Look again.")
    with pytest.raises(Conflict, match="have known answers"):
        correct_assignment(assignment=lesson, submission=submission_of([-1]), reviewer=rita)
    assert "seen the answer" in refusals_of(worked, rita).returned
    assert "have known answers" in refusals_of(lesson, rita).corrected
