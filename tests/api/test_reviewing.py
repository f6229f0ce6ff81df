"""Reviewing by requests."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.labeling.models import Assignment
from apps.projects.models import Membership, Project, Role
from apps.projects.services import add_member
from apps.quality.consensus.recompute import recompute_project
from tests.cast import bearer, make_problem, make_round, make_solution, make_user
from tests.quality.submissions import submit_next

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
