"""Reviewing by requests."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.labeling.assignments.correct import correct
from apps.labeling.models import Assignment, Round
from apps.labeling.rounds.services import open_round
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member
from apps.quality.consensus.recompute import recompute_project
from apps.quality.models import Review
from apps.quality.review.assignments import accept, correct_assignment, return_to_labeler
from tests.cast import bearer, make_comparison, make_problem, make_round, make_solution, make_user, signed_in
from tests.quality.submissions import submission_of, submit_next
from tests.world import rate

API = "/api/v1"


@pytest.fixture
def solution(project: Project, bob: User) -> Solution:
    made = make_solution(make_problem(project, subject="Algebra"), source="m", final_answer="2", is_correct=False)
    round_ = make_round(project, redundancy=2)
    other = make_user("ada")
    add_member(project=project, user=other, role=Role.LABELER)
    submit_next(round_, bob, 1, -1)
    submit_next(round_, other, 1, 1, 1)
    recompute_project(project)
    return made


@pytest.fixture
def api(rita: User) -> Client:
    return bearer(rita)


def post(api: Client, path: str, body: object) -> Any:
    return api.post(f"{API}{path}", body, content_type="application/json")


def test_disputes_are_listed_and_narrowed(api: Client, project: Project, solution: Solution, bob: User) -> None:
    def found(**asked: object) -> list[str]:
        answer = api.get(f"{API}/projects/{project.slug}/disputes", asked)
        assert answer.status_code == 200, answer.content
        return [one["kind"] for one in answer.json()["results"]]

    assert found() == ["people", "wrong_without_bad_step"]
    assert found(kind="people", round=1, source="m", subject="Algebra") == ["people"]
    assert found(labeler=Membership.objects.get(user=bob).pseudonym, kind="people") == ["people"]
    assert found(labeler="nobody") == found(round=7) == found(subject="Sums") == []
    assert api.get(f"{API}/projects/{project.slug}/disputes", {"kind": "x"}).status_code in {400, 422}


def test_the_evidence_is_whole_and_names_pseudonyms(api: Client, solution: Solution, bob: User) -> None:
    told = api.get(f"{API}/solutions/{solution.pk}/evidence").json()
    assert told["consensus"]["state"] == "tied"
    assert sorted(one["first_error"] for one in told["first_errors"]) == [-1, 1]
    name = Membership.objects.get(user=bob).pseudonym
    votes = [[one["rating"] for one in step["people"] if one["labeler"] == name] for step in told["steps"]]
    assert votes == [[1], [-1], [None]]
    assert told["steps"][2]["people"][0]["reached"] is False
    assert "Bob" not in str(told)


def test_a_solution_is_settled_and_the_word_taken_back(api: Client, solution: Solution) -> None:
    told = post(api, f"/solutions/{solution.pk}/adjudicate", {"first_error": 1, "note": "see line 2"}).json()
    assert (told["consensus"]["how"], told["consensus"]["first_error"]) == ("adjudicated", 1)
    assert post(api, f"/solutions/{solution.pk}/adjudicate", {"first_error": 9}).status_code == 400
    assert post(api, f"/solutions/{solution.pk}/gold", {}).json() == {"gold": True}
    for step in solution.steps.all():
        taken = post(api, f"/steps/{step.pk}/adjudicate", {"rating": None})
        assert taken.status_code == 200
    assert taken.json()["consensus"] is None
    assert post(api, f"/steps/{step.pk}/adjudicate", {"rating": 2}).status_code in {400, 422}
    told = api.get(f"{API}/solutions/{solution.pk}/evidence").json()
    assert told["history"][-1]["after"] == {"first_error": 1, "note": "see line 2"}
    assert {one["verb"] for one in told["history"]} == {"solution.adjudicated", "gold.made", "step.adjudicated"}


def test_a_turn_is_accepted_or_returned(api: Client, solution: Solution, bob: User) -> None:
    assignment = Assignment.objects.get(labeler=bob)
    path = f"/assignments/{assignment.pk}/review"
    assert post(api, path, {"decision": "accepted"}).json()["state"] == "submitted"
    assert post(api, path, {"decision": "returned"}).status_code == 400
    returned = post(api, path, {"decision": "returned", "note": "look at step 2"}).json()
    assert (returned["state"], returned["decision"]) == ("returned", "returned")
    assert post(api, path, {"decision": "returned", "note": "and again"}).status_code == 409
    claimed = post(bearer(bob), "/projects/algebra/rounds/1/claim", {}).json()["assignment"]
    assert (claimed["id"], claimed["note"]) == (assignment.pk, "look at step 2")
    assert [one["rating"] for one in claimed["draft"]["steps"]] == [1, -1]


def test_steps_are_parted_anew(api: Client, solution: Solution) -> None:
    made = post(api, f"/solutions/{solution.pk}/split", {"steps": ["One.Two.", "Three."]})
    assert made.status_code == 201
    assert Solution.objects.get(pk=made.json()["id"]).step_count == 2
    assert post(api, f"/solutions/{solution.pk}/split", {"steps": ["One."]}).status_code == 409


def test_a_round_takes_what_is_in_dispute(mia: User, project: Project, solution: Solution) -> None:
    make_solution(make_problem(project))
    opened = post(
        bearer(mia), f"/projects/{project.slug}/rounds", {"protocol": "first_error", "select": "dispute:people"}
    )
    assert opened.json()["tasks"] == 1
    wrong = post(bearer(mia), f"/projects/{project.slug}/rounds", {"protocol": "first_error", "select": "dispute:x"})
    assert "dispute" in wrong.json()["error"]["fields"]["select"]


def test_the_reviewers_payload_holds_all_evidence_and_names_as_pages_do(
    api: Client, solution: Solution, bob: User, mia: User
) -> None:
    assignment = Assignment.objects.get(labeler=bob)
    Round.objects.update(show_reference=False)
    shown = api.get(f"{API}/assignments/{assignment.pk}/review").json()
    assert shown["assignment"]["problem"]["reference_answer"] == solution.problem.reference_answer
    assert [step["rating"] for step in shown["submission"]["steps"]] == [1, -1]
    assert [len(step["people"]) for step in shown["evidence"]["steps"]] == [2, 2, 2]
    assert shown["refusals"] == {"accepted": "", "returned": "", "corrected": ""}
    assert shown["labeler"] == Membership.objects.get(user=bob).pseudonym[:8]
    assert bearer(mia).get(f"{API}/assignments/{assignment.pk}/review").json()["labeler"] == "Bob"


def test_labelers_get_nothing_of_it_also_not_of_their_own_submission(
    project: Project, solution: Solution, bob: User
) -> None:
    eve = make_user("eve")
    labeler, stranger = bearer(bob), bearer(eve)
    for assignment in Assignment.objects.all():
        path = f"{API}/assignments/{assignment.pk}"
        for client, status in ((labeler, 403), (stranger, 404)):
            assert client.get(f"{path}/review").status_code == status
            assert client.post(f"{path}/withdraw-correction").status_code == status
            assert client.get(f"{API}/projects/algebra/review-queue").status_code == status
    assert signed_in(bob).get(f"/projects/algebra/review/assignments/{assignment.pk}").status_code == 403


def test_the_queue_names_what_waits_or_why_nothing_does(
    api: Client, project: Project, solution: Solution, rita: User, bob: User
) -> None:
    def asked(**query: object) -> tuple[list[int], str]:
        answer = api.get(f"{API}/projects/algebra/review-queue", query)
        assert answer.status_code == 200, answer.content
        return sorted(row["id"] for row in answer.json()["assignments"]), answer.json()["why_none"]

    ids = sorted(Assignment.objects.values_list("pk", flat=True))
    assert asked() == asked(round=1) == (ids, "")
    own = Assignment.objects.get(labeler=bob)
    assert asked(labeler=Membership.objects.get(user=bob).pseudonym) == ([own.pk], "")
    assert asked(leave_out=f"{own.pk}")[0] == [pk for pk in ids if pk != own.pk]
    assert "passed over" in asked(leave_out=",".join(map(str, ids)))[1]
    assert "filters" in asked(round=9)[1]
    assert "filters" in asked(labeler="nobody")[1]
    for pk in ids:
        post(api, f"/assignments/{pk}/review", {"decision": "accepted"})
    assert "Every submission has a review" in asked()[1]
    submit_next(open_round(project=project, protocol="first_error"), rita, 1, -1)
    assert "Only your own" in asked()[1]
    assert api.get(f"{API}/projects/algebra/review-queue", {"leave_out": "1,x"}).status_code == 400


def test_the_queue_begins_with_the_round_that_is_open_on_the_page(
    api: Client, project: Project, solution: Solution, bob: User
) -> None:
    second = open_round(project=project, protocol="first_error")
    newer = submit_next(second, bob, 1, 1, 1)
    for number, first in ((1, 1), (2, 2)):
        rows = api.get(f"{API}/projects/algebra/review-queue", {"begin_with": number}).json()["assignments"]
        assert rows[0]["round"] == first
    assert newer.pk in {row["id"] for row in rows}


def test_imported_labels_are_not_reviewed_and_the_queue_says_so(api: Client, project: Project) -> None:
    make_solution(make_problem(project))
    assignment = submit_next(make_round(project), project.memberships.get(role="owner").user, 1, 1, 1)
    Round.objects.update(origin="prm800k")
    assert "were imported" in api.get(f"{API}/projects/algebra/review-queue").json()["why_none"]
    assert api.get(f"{API}/assignments/{assignment.pk}/review").status_code == 404


@pytest.mark.parametrize("protocol", ["branching", "comparison"])
def test_what_cannot_be_corrected_is_accepted_and_returned(
    api: Client, project: Project, bob: User, rita: User, protocol: str
) -> None:
    make_comparison(make_problem(project, reference_answer="1"), ["A."], ["B."])
    round_ = open_round(project=project, protocol=protocol)
    assignment = rate(round_, bob, finish="give_up", reason="too hard")
    path = f"/assignments/{assignment.pk}/review"
    shown = api.get(f"{API}{path}").json()
    assert "cannot be corrected" in shown["refusals"]["corrected"]
    assert (shown["refusals"]["accepted"], shown["refusals"]["returned"]) == ("", "")
    wrong = {"decision": "corrected", "steps": [], "finish_reason": "solution"}
    assert post(api, path, wrong).status_code == 409
    assert post(api, path, {"decision": "accepted"}).status_code == 200
    assert post(api, path, {"decision": "returned", "note": "Once more."}).json()["state"] == "returned"
    assert api.get(f"{API}{path}").json()["submission"]["finish_reason"] == "give_up", "the last one stays in view"


def test_the_labelers_answers_about_the_error_stay_if_the_error_does(api: Client, project: Project, bob: User) -> None:
    make_solution(make_problem(project))
    round_ = open_round(project=project, protocol="first_error", options={"progress": True})
    assignment = rate(round_, bob, 1, 0, -1, progress=0)
    path = f"/assignments/{assignment.pk}/review"

    def corrected(*ratings: int) -> Any:
        steps = [{"position": place, "rating": rating} for place, rating in enumerate(ratings)]
        answer = post(api, path, {"decision": "corrected", "steps": steps, "finish_reason": "found_error"})
        assert answer.status_code == 200, answer.content
        return Review.objects.order_by("-pk")[0].submission["progress"]

    assert corrected(1, 1, -1) == 0
    assert corrected(1, -1) is None


# --- what the reviewer saw --------------------------------------------------------------------------------


def decision_on(opened: Any, decision: str, **more: object) -> dict[str, object]:
    return {
        "decision": decision,
        "note": "Look again." if decision == "returned" else "",
        "seen": opened["revision"],
        **more,
    }


CORRECTED = {"steps": [{"position": 0, "rating": -1}], "finish_reason": "found_error"}


@pytest.mark.parametrize("decision", ["accepted", "returned", "corrected"])
@pytest.mark.parametrize("meanwhile", ["corrected by its labeler", "corrected by another reviewer", "returned"])
def test_a_reviewer_decides_only_on_what_they_saw(
    api: Client, project: Project, bob: User, mia: User, decision: str, meanwhile: str
) -> None:
    make_solution(make_problem(project))
    own = submit_next(make_round(project), bob, 1, -1)
    opened = api.get(f"{API}/assignments/{own.pk}/review").json()
    if meanwhile == "corrected by its labeler":
        correct(assignment=own, submission=submission_of([1, 1, 1]))
    elif meanwhile == "returned":
        return_to_labeler(assignment=own, reviewer=mia, note="Step 2?")
    else:
        correct_assignment(assignment=own, submission=submission_of([1, 1, -1]), reviewer=mia)
    reviews = Review.objects.count()
    body = decision_on(opened, decision, **(CORRECTED if decision == "corrected" else {}))
    refused = post(api, f"/assignments/{own.pk}/review", body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "changed_since")
    assert Review.objects.count() == reviews
    if meanwhile != "returned":
        body["seen"] = api.get(f"{API}/assignments/{own.pk}/review").json()["revision"]
        if meanwhile == "corrected by another reviewer" and decision == "returned":
            return  # The correction has to be withdrawn first.
        assert post(api, f"/assignments/{own.pk}/review", body).status_code == 200


@pytest.mark.parametrize("decision", ["accepted", "returned", "corrected"])
def test_a_decision_whose_answer_was_lost_is_one_decision(
    api: Client, project: Project, bob: User, decision: str
) -> None:
    make_solution(make_problem(project))
    own = submit_next(make_round(project), bob, 1, -1)
    opened = api.get(f"{API}/assignments/{own.pk}/review").json()
    body = decision_on(opened, decision, **(CORRECTED if decision == "corrected" else {}))
    for _ in range(2):
        assert post(api, f"/assignments/{own.pk}/review", body).status_code == 200
    assert Review.objects.get().decision == decision


def test_what_was_returned_meanwhile_is_not_accepted(project: Project, bob: User, rita: User, mia: User) -> None:
    make_solution(make_problem(project))
    own = submit_next(make_round(project), bob, 1, -1)
    shown = Assignment.objects.get(pk=own.pk)
    return_to_labeler(assignment=own, reviewer=mia, note="Step 2?")
    assert accept(assignments=[shown], reviewer=rita) == 0
    assert Review.objects.get().decision == Review.Decision.RETURNED
