"""Skipped tasks, comments, replies and what a correction changed, over the API."""

from __future__ import annotations

from apps.accounts.models import User
from apps.labeling.models import Assignment
from apps.projects.models import Project
from apps.quality.review.assignments import return_to_labeler
from tests.api.test_contract import API, post
from tests.cast import bearer, make_problem, make_round, make_solution

RATED = {"steps": [{"position": place, "rating": 1} for place in range(3)], "finish_reason": "solution"}


def test_a_skipped_task_is_listed_by_its_problem_and_claimed_again(project: Project, bob: User, rita: User) -> None:
    make_solution(make_problem(project, "What is 1 + 1?"))
    round_ = make_round(project)
    client = bearer(bob)
    path = f"/projects/{project.slug}/rounds/{round_.number}"
    claimed = post(client, f"{path}/claim").json()["assignment"]
    assert client.get(f"{API}{path}/skipped").json() == {"results": [], "next": None}
    assert post(client, f"/assignments/{claimed['id']}/skip", {"reason": "Too hard"}).status_code == 204
    (listed,) = client.get(f"{API}{path}/skipped").json()["results"]
    assert listed | {"skipped_at": ""} == {
        "id": claimed["id"],
        "statement": "What is 1 + 1?",
        "reason": "Too hard",
        "skipped_at": "",
        "why_not": None,
    }
    assert bearer(rita).get(f"{API}{path}/skipped").json()["results"] == []
    resumed = post(client, f"/assignments/{claimed['id']}/resume")
    assert (resumed.status_code, resumed.json()["assignment"]["id"]) == (200, claimed["id"])
    assert post(client, f"/assignments/{claimed['id']}/submit", RATED).status_code == 200
    late = post(client, f"/assignments/{claimed['id']}/resume")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "not_free")


def test_comments_are_drafted_submitted_and_read_by_reviewers(
    project: Project, alice: User, bob: User, rita: User
) -> None:
    make_solution(make_problem(project))
    round_ = make_round(project)
    client = bearer(bob)
    claimed = post(client, f"/projects/{project.slug}/rounds/{round_.number}/claim").json()["assignment"]
    own = f"/assignments/{claimed['id']}"
    drafted = {"version": 0, "steps": [{"position": 0, "comment": "Why?"}]}
    assert post(client, f"{own}/draft", drafted, put=True).json() == {"version": 1}
    (step,) = client.get(f"{API}{own}").json()["assignment"]["draft"]["steps"]
    assert (step["rating"], step["comment"]) == (None, "Why?")
    too_long = {**RATED, "steps": [{"position": 0, "rating": 1, "comment": "x" * 501}, *RATED["steps"][1:]]}
    refused = post(client, f"{own}/submit", too_long)
    assert refused.status_code in {400, 422}
    assert "500" in str(refused.json()["error"]["fields"])
    commented = {**RATED, "steps": [{"position": 0, "rating": 1, "comment": "Why?"}, *RATED["steps"][1:]]}
    assert post(client, f"{own}/submit", commented).status_code == 200
    nul = {**RATED, "steps": [{"position": 0, "rating": 1, "comment": "\x00"}, *RATED["steps"][1:]]}
    assert post(client, f"{own}/correct", nul).status_code in {400, 422}
    corrected = post(client, f"{own}/correct", RATED).json()
    assert corrected["changes"] == ["the comment on step 1"]
    assert post(client, f"{own}/correct", commented).json()["changes"] == ["the comment on step 1"]
    labels = bearer(alice).get(f"{API}/projects/{project.slug}/step-labels").json()["results"]
    assert sorted(label["comment"] for label in labels) == ["", "", "Why?"]
    solution = Assignment.objects.get(pk=claimed["id"]).task.solution_id
    evidence = bearer(rita).get(f"{API}/solutions/{solution}/evidence").json()
    assert [given["comment"] for given in evidence["steps"][0]["people"]] == ["Why?"]
    assert client.get(f"{API}/solutions/{solution}/evidence").status_code == 403


def test_a_reply_answers_the_note_of_a_reviewer(project: Project, bob: User, rita: User) -> None:
    make_solution(make_problem(project))
    round_ = make_round(project)
    client = bearer(bob)
    path = f"/projects/{project.slug}/rounds/{round_.number}/claim"
    claimed = post(client, path).json()["assignment"]
    own = f"/assignments/{claimed['id']}"
    hasty = post(client, f"{own}/submit", {**RATED, "reply": "Hello?"})
    assert (hasty.status_code, set(hasty.json()["error"]["fields"])) == (422, {"reply"})
    assert post(client, f"{own}/submit", RATED).status_code == 200
    assignment = Assignment.objects.get(pk=claimed["id"])
    return_to_labeler(assignment=assignment, reviewer=rita, note="Look at step 2.")
    again = post(client, path).json()["assignment"]
    assert (again["id"], again["note"]) == (claimed["id"], "Look at step 2.")
    assert post(client, f"{own}/submit", {**RATED, "reply": "It is right."}).status_code == 200
    assert client.get(f"{API}{own}").json()["submission"]["reply"] == "It is right."
    evidence = bearer(rita).get(f"{API}/solutions/{assignment.task.solution_id}/evidence").json()
    (row,) = evidence["assignments"]
    assert (row["note"], row["reply"]) == ("Look at step 2.", "It is right.")
