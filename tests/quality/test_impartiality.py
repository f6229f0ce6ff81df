"""Reviewers do not judge their own work: by service, page and API; where a project allows it, it is marked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts.models import AuditEvent, User
from apps.core.errors import NotAllowed
from apps.corpus.models import Solution
from apps.labeling.models import Assignment, GoldLabel, Round
from apps.projects.models import Membership, Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.gold.suspensions import lift, suspend
from apps.quality.models import OpenDispute, QualityRules, Review, StepConsensus
from apps.quality.review import adjudication as adjudicating
from apps.quality.review.assignments import accept, correct_assignment, return_to_labeler
from apps.quality.review.queues import queue_of
from apps.quality.review.resplit import resplit_by_reviewer
from apps.quality.review.unreviewed import newest_unreviewed
from apps.quality.rules import change_rules
from tests.cast import bearer, make_problem, make_round, make_screening, make_solution, signed_in
from tests.quality.submissions import submission_of, submit_next
from tests.world import rate

pytestmark = pytest.mark.slow

API = "/api/v1"


@pytest.fixture
def round_(project: Project) -> Round:
    for _ in range(2):
        make_solution(make_problem(project))
    return make_round(project, redundancy=2)


@pytest.fixture
def solution(project: Project, round_: Round, bob: User, rita: User) -> Solution:
    """In dispute: rita says that its second step is bad, bob that none is. Rita has not seen the other one."""
    assignment = submit_next(round_, rita, 1, -1)
    submit_next(round_, bob, 1, 1, 1)
    recompute_project(project)
    assert assignment.task.solution is not None
    return assignment.task.solution


@pytest.fixture
def other(project: Project, round_: Round, solution: Solution, bob: User, alice: User) -> Solution:
    """In dispute between bob and alice."""
    submit_next(round_, bob, 1, -1)
    assignment = submit_next(round_, alice, 1, 1, 1)
    while assignment.task.solution_id == solution.pk:
        assignment = submit_next(round_, alice, 1, 1, 1)
    recompute_project(project)
    assert assignment.task.solution is not None
    return assignment.task.solution


def own_turn(user: User, solution: Solution) -> Assignment:
    return Assignment.objects.select_related("task__solution", "round__project").get(
        labeler=user, task__solution=solution
    )


PARTED = ["One. Two.", "Three."]

JUDGEMENTS: dict[str, Callable[[Solution, User], Any]] = {
    "first error": lambda solution, by: adjudicating.adjudicate_solution(solution=solution, first_error=1, by=by),
    "step": lambda solution, by: adjudicating.adjudicate_step(step=solution.steps.all()[0], rating=1, by=by),
    "as it stands": lambda solution, by: adjudicating.adjudicate_consensus(solutions=[solution], by=by),
    "take back": lambda solution, by: adjudicating.withdraw_adjudication(solution=solution, by=by),
    "gold": lambda solution, by: adjudicating.make_gold(solutions=[solution], by=by),
    "also": lambda solution, by: adjudicating.also_accept(solution=solution, first_errors=[2], by=by),
    "parting": lambda solution, by: resplit_by_reviewer(solution=solution, texts=PARTED, by=by),
}


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_a_side_judges_no_solution_and_another_reviewer_does(
    solution: Solution, rita: User, mia: User, name: str
) -> None:
    with pytest.raises(NotAllowed) as raised:
        JUDGEMENTS[name](solution, rita)
    assert (raised.value.code, raised.value.status) == ("self_review", 403)
    assert not StepConsensus.objects.filter(how="adjudicated").exists()
    JUDGEMENTS[name](solution, mia)


def test_nobody_accepts_returns_or_corrects_their_own_work(solution: Solution, rita: User, mia: User) -> None:
    assignment = own_turn(rita, solution)
    for act in (
        lambda: accept(assignments=[assignment], reviewer=rita),
        lambda: return_to_labeler(assignment=assignment, reviewer=rita, note="Again."),
        lambda: correct_assignment(assignment=assignment, submission=submission_of([-1]), reviewer=rita),
    ):
        with pytest.raises(NotAllowed, match="your own work"):
            act()
    assert not Review.objects.exists()
    assert accept(assignments=[assignment], reviewer=mia) == 1


def test_a_reviewer_who_labeled_it_does_not_undo_another_labelers_assignment(
    solution: Solution, bob: User, rita: User
) -> None:
    assignment = own_turn(bob, solution)
    with pytest.raises(NotAllowed, match="labeled this solution yourself"):
        return_to_labeler(assignment=assignment, reviewer=rita, note="Again.")
    with pytest.raises(NotAllowed, match="labeled this solution yourself"):
        correct_assignment(assignment=assignment, submission=submission_of([1, -1]), reviewer=rita)
    assert accept(assignments=[assignment], reviewer=rita) == 1


def test_of_many_that_are_settled_at_once_none_is_when_one_is_ones_own(
    solution: Solution, other: Solution, rita: User
) -> None:
    with pytest.raises(NotAllowed, match=rf"solutions {solution.pk} yourself"):
        adjudicating.adjudicate_consensus(solutions=[solution, other], by=rita)
    assert not StepConsensus.objects.filter(how="adjudicated").exists()


def test_a_labeler_who_becomes_a_reviewer_stays_a_side(solution: Solution, bob: User) -> None:
    Membership.objects.filter(user=bob).update(role="manager")
    with pytest.raises(NotAllowed):
        adjudicating.adjudicate_solution(solution=solution, first_error=-1, by=bob)


def test_who_was_given_it_back_or_answered_it_in_a_screening_is_a_side(
    project: Project, solution: Solution, rita: User, mia: User, alice: User
) -> None:
    return_to_labeler(assignment=own_turn(rita, solution), reviewer=mia, note="Again.")
    with pytest.raises(NotAllowed):
        adjudicating.adjudicate_solution(solution=solution, first_error=1, by=rita)
    answer = rate(make_screening(project, tasks=1), alice, 1, -1)
    assert answer.task.solution is not None
    with pytest.raises(NotAllowed):
        adjudicating.also_accept(solution=answer.task.solution, first_errors=[2], by=alice)


def test_queues_offer_nobody_their_own(
    project: Project, solution: Solution, other: Solution, rita: User, mia: User
) -> None:
    def offered(user: User) -> set[int]:
        return set(queue_of(project, "people", reviewer=user).values_list("solution_id", flat=True))

    assert OpenDispute.objects.filter(kind="people").count() == 2
    assert (offered(mia), offered(rita)) == ({solution.pk, other.pk}, {other.pk})
    page = signed_in(rita).get("/projects/algebra/review/people").content.decode()
    assert f"/solutions/{other.pk}?" in page
    assert f"/solutions/{solution.pk}?" not in page
    assert "You labeled 1 of them yourself" in page
    assert own_turn(rita, solution).pk not in newest_unreviewed(project, reviewer=rita)
    assert own_turn(rita, solution).pk in newest_unreviewed(project, reviewer=mia)
    listed = signed_in(rita).get("/projects/algebra/review/assignments?show=all").content.decode()
    assert f'value="{own_turn(rita, solution).pk}"' not in listed


def test_pages_offer_no_judgement_and_refuse_it(solution: Solution, rita: User) -> None:
    client, assignment = signed_in(rita), own_turn(rita, solution)
    evidence = client.get(f"/projects/algebra/solutions/{solution.pk}").content.decode()
    assert "another reviewer adjudicates it" in evidence
    assert 'id="adjudicate"' not in evidence
    api, path = bearer(rita), f"/api/v1/assignments/{assignment.pk}/review"
    refusals = api.get(path).json()["refusals"]
    assert set(refusals.values()) == {"This is your own submission, so another reviewer reviews it."}
    steps = [{"position": 0, "rating": -1}]
    for decision in (
        {"decision": "accepted"},
        {"decision": "returned", "note": "Again."},
        {"decision": "corrected", "steps": steps, "finish_reason": "found_error"},
    ):
        assert api.post(path, decision, content_type="application/json").status_code == 403
    assert refused(client, "/projects/algebra/review/assignments/accept", assignment=[assignment.pk])
    for act in ("first_error", "no_error", "bad", "gold", "also_accept", "withdraw_all"):
        url = reverse("solution-adjudicate", args=["algebra", solution.pk])
        assert refused(client, url, act=act, step=solution.steps.all()[0].pk), act
    assert refused(client, "/projects/algebra/review/people/selected", act="accept_consensus", solution=[solution.pk])
    url = reverse("solution-split", args=["algebra", solution.pk])
    assert refused(client, url, steps="\n---\n".join(PARTED))
    assert client.get(url).status_code == 403
    assert OpenDispute.objects.filter(solution=solution).exists()
    assert not Review.objects.exists()


def refused(client: Client, url: str, **data: Any) -> bool:
    answer = client.post(url, data)
    return (answer.status_code == 403 and b"yourself" in answer.content) or b"own work" in answer.content


def test_the_api_refuses_too_and_says_what_is_ones_own(solution: Solution, other: Solution, rita: User) -> None:
    client, assignment = bearer(rita), own_turn(rita, solution)
    listed = client.get(f"{API}/projects/algebra/disputes?kind=people").json()["results"]
    assert {one["solution"]: one["is_own"] for one in listed} == {solution.pk: True, other.pk: False}
    step = solution.steps.all()[0]
    for path, body in (
        (f"solutions/{solution.pk}/adjudicate", {"first_error": 1}),
        (f"solutions/{solution.pk}/gold", {}),
        (f"solutions/{solution.pk}/split", {"steps": PARTED}),
        (f"steps/{step.pk}/adjudicate", {"rating": -1}),
        (f"assignments/{assignment.pk}/review", {"decision": "accepted"}),
        (f"assignments/{assignment.pk}/review", {"decision": "returned", "note": "Again."}),
    ):
        answer = client.post(f"{API}/{path}", body, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "self_review"), path


# --- where a project allows it ------------------------------------------------------------------------------


def test_only_an_owner_allows_it(project: Project, alice: User, mia: User) -> None:
    with pytest.raises(NotAllowed) as raised:
        change_rules(project=project, actor=mia, allows_self_review=True)
    assert set(raised.value.fields) == {"allows_self_review"}
    form = {
        "rule": "majority",
        "pass_mark": 75,
        "minimum": 5,
        "convincing": 0.5,
        "judge_bar": 80,
        "allows_self_review": "on",
    }
    url = reverse("quality-rules", args=["algebra"])
    assert signed_in(mia).post(url, form).status_code == 302
    assert not QualityRules.objects.get(project=project).allows_self_review
    assert signed_in(alice).post(url, form).status_code == 302
    assert QualityRules.objects.get(project=project).allows_self_review
    assert AuditEvent.objects.filter(verb="quality.rules")[0].after["allows_self_review"] is True
    kept = {name: value for name, value in form.items() if name != "allows_self_review"} | {"minimum": 6}
    assert signed_in(mia).post(url, kept).status_code == 302
    assert QualityRules.objects.get(project=project).allows_self_review, "a manager's form leaves it as it is"


def test_where_it_is_allowed_it_is_marked(project: Project, solution: Solution, alice: User, rita: User) -> None:
    change_rules(project=project, actor=alice, allows_self_review=True)
    assert solution.pk in queue_of(project, "people", reviewer=rita).values_list("solution_id", flat=True)
    accept(assignments=[own_turn(rita, solution)], reviewer=rita)
    adjudicating.adjudicate_solution(solution=solution, first_error=1, by=rita)
    adjudicating.make_gold(solutions=[solution], by=rita)
    recompute_project(project)
    adjudicated = StepConsensus.objects.filter(step__solution=solution, how="adjudicated")
    assert set(adjudicated.values_list("self_reviewed", flat=True)) == {True}
    assert set(GoldLabel.objects.values_list("self_reviewed", flat=True)) == {True}
    assert Review.objects.get().self_reviewed
    resplit_by_reviewer(solution=solution, texts=PARTED, by=rita)
    for verb in ("assignment.accepted", "solution.adjudicated", "gold.made", "solution.resplit"):
        assert AuditEvent.objects.get(verb=verb).after["self_reviewed"] is True, verb


def test_what_others_judge_is_not_marked(project: Project, solution: Solution, alice: User, mia: User) -> None:
    change_rules(project=project, actor=alice, allows_self_review=True)
    adjudicating.adjudicate_solution(solution=solution, first_error=1, by=mia)
    adjudicating.make_gold(solutions=[solution], by=mia)
    resplit_by_reviewer(solution=solution, texts=PARTED, by=mia)
    assert "self_reviewed" not in AuditEvent.objects.get(verb="solution.resplit").after
    assert not StepConsensus.objects.filter(self_reviewed=True).exists()
    assert not GoldLabel.objects.filter(self_reviewed=True).exists()
    assert "self_reviewed" not in AuditEvent.objects.get(verb="solution.adjudicated").after


def test_gold_made_from_a_self_review_is_marked_whoever_makes_it(
    project: Project, solution: Solution, alice: User, rita: User, mia: User
) -> None:
    change_rules(project=project, actor=alice, allows_self_review=True)
    adjudicating.adjudicate_solution(solution=solution, first_error=1, by=rita)
    adjudicating.make_gold(solutions=[solution], by=mia)
    assert set(GoldLabel.objects.values_list("self_reviewed", flat=True)) == {True}


def test_nobody_lifts_their_own_suspension(project: Project, alice: User, mia: User) -> None:
    member = Membership.objects.get(user=mia)
    suspend(membership=member, reason="Hasty.", by=alice)
    member.refresh_from_db()
    with pytest.raises(NotAllowed, match="own suspension"):
        lift(membership=member, by=mia)
    lift(membership=member, by=alice)
    member.refresh_from_db()
    assert member.status == "active"
