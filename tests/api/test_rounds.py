"""Rounds and assignments over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.core.jobs.model import JobStatus
from apps.estimation.models import EstimationRun, SolutionEstimate, StepEstimate
from apps.labeling.models import Assignment
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project
from apps.quality.trust.blind_rounds import open_blind_round
from tests.api.test_contract import API, post
from tests.cast import bearer, make_problem, make_screening, make_solution
from tests.world import rate


@pytest.fixture
def api(alice: User) -> Client:
    return bearer(alice)


def claimed(client: Client, number: int) -> Any:
    return post(client, f"/projects/algebra/rounds/{number}/claim").json()


def test_a_round_is_drafted_changed_previewed_and_opened(api: Client, project: Project, bob: User) -> None:
    make_solution(make_problem(project))
    rounds = "/projects/algebra/rounds"
    terms = {"protocol": "first_error", "draft": True, "labelers": ["bob@lab.example"], "mode": "verify"}
    assert post(api, rounds, terms).json() == {"number": 1, "tasks": 0}
    changed = api.patch(f"{API}{rounds}/1", {"redundancy": 3, "labelers": []}, content_type="application/json").json()
    assert (changed["redundancy"], changed["mode"], changed["is_for_named"]) == (3, "verify", False)
    seen = api.get(f"{API}{rounds}/1/preview").json()
    assert (seen["tasks"], seen["submissions"], seen["labelers"]) == (1, 3, 2)
    assert post(bearer(bob), f"{rounds}/1/claim").status_code == 404
    assert claimed(api, 1)["reason"] == "round_draft"
    assert post(api, f"{rounds}/1/open").json()["tasks"] == 1
    late = api.patch(f"{API}{rounds}/1", {"redundancy": 1}, content_type="application/json")
    assert (late.status_code, list(late.json()["error"]["fields"])) == (400, ["redundancy"])
    assert "between 3 and 100" in late.json()["error"]["fields"]["redundancy"]
    make_solution(make_problem(project))
    more = api.patch(f"{API}{rounds}/1", {"redundancy": 4, "add": "all"}, content_type="application/json").json()
    assert (more["redundancy"], more["tasks"], more["slots"], more["added"][0]["select"]) == (4, 2, 8, "all")
    assert claimed(api, 1)["assignment"] is not None
    assert api.delete(f"{API}{rounds}/1").status_code == 204, "nothing was submitted in it"
    post(api, rounds, {"protocol": "first_error", "draft": True})
    assert api.delete(f"{API}{rounds}/1").status_code == 204


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"endpoint": "nowhere"}, "endpoint"),
        ({"guideline": 9}, "guideline"),
        ({"labelers": ["charlie@lab.example"]}, "labelers"),
    ],
)
def test_an_unknown_name_is_refused(
    api: Client, project: Project, charlie: User, terms: dict[str, Any], field: str
) -> None:
    make_solution(make_problem(project))
    answer = post(api, "/projects/algebra/rounds", {"protocol": "first_error", **terms})
    assert answer.status_code in (400, 422)
    assert field in answer.json()["error"]["fields"]


def test_a_skipped_task_comes_back_last(project: Project, bob: User) -> None:
    for _ in range(2):
        make_solution(make_problem(project))
    open_round(project=project, protocol="first_error")
    client = bearer(bob)
    first = claimed(client, 1)["assignment"]
    assert post(client, f"/assignments/{first['id']}/skip", {"reason": "after lunch"}).status_code == 204
    second = claimed(client, 1)["assignment"]
    assert second["task"] != first["task"]
    body = {"steps": [{"position": 0, "rating": -1}], "finish_reason": "found_error"}
    post(client, f"/assignments/{second['id']}/submit", body)
    assert claimed(client, 1)["assignment"]["id"] == first["id"]
    late = post(client, f"/assignments/{second['id']}/skip")
    assert (late.status_code, late.json()["error"]["code"]) == (409, "already_submitted")


def test_a_submitted_assignment_is_read_and_corrected(project: Project, bob: User) -> None:
    make_solution(make_problem(project))
    assignment = rate(open_round(project=project, protocol="first_error"), bob, 1, 1, 1)
    client = bearer(bob)
    mine = client.get(f"{API}/assignments/{assignment.pk}").json()
    assert [step["rating"] for step in mine["submission"]["steps"]] == [1, 1, 1]
    assert (mine["correctable"], mine["versions"], mine["assignment"]["id"]) == (True, 0, assignment.pk)
    body = {"steps": [{"position": 0, "rating": -1}], "finish_reason": "found_error"}
    for _ in range(2):
        done = post(client, f"/assignments/{assignment.pk}/correct", body)
        assert (done.status_code, done.json()["progress"]["done"]) == (200, 1)
    assert client.get(f"{API}/assignments/{assignment.pk}").json()["versions"] == 1
    other = {"steps": [], "finish_reason": "give_up", "reason": "It is in French.", "versions": 0}
    late = post(client, f"/assignments/{assignment.pk}/correct", other)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "corrected_elsewhere")
    wrong = post(client, f"/assignments/{assignment.pk}/correct", {**body, "finish_reason": "solution"})
    assert wrong.status_code == 422


def test_an_open_assignment_has_no_submission_yet(project: Project, bob: User) -> None:
    make_solution(make_problem(project))
    assignment = claim(round=open_round(project=project, protocol="first_error"), labeler=bob)
    assert isinstance(assignment, Assignment)
    mine = bearer(bob).get(f"{API}/assignments/{assignment.pk}").json()
    assert (mine["submission"], mine["correctable"], mine["state"]) == (None, False, "leased")


def test_a_failed_screening_is_reported_and_retaken(project: Project, bob: User) -> None:
    make_screening(project, tasks=1, tries=2)
    client = bearer(bob)
    for left in (True, None):
        assignment = claimed(client, -1)["assignment"]
        body = {"steps": [{"position": 0, "rating": -1}], "finish_reason": "found_error"}
        done = post(client, f"/assignments/{assignment['id']}/submit", body).json()
        assert done["progress"]["total"] == 1
        answer = claimed(client, -1)
        assert (answer["reason"], answer.get("may_retake")) == ("screening_failed", left)
        again = post(client, "/projects/algebra/rounds/-1/retake")
        assert again.status_code == (200 if left else 409)


def test_nothing_in_a_gold_task_reveals_it(project: Project, bob: User) -> None:
    from tests.cast import make_gold

    gold, plain = (make_solution(make_problem(project, reference_answer="1")) for _ in range(2))
    make_gold(gold, 1, 1, 1)
    open_round(project=project, protocol="first_error", gold_share=0.999999)
    client = bearer(bob)
    first = claimed(client, 1)["assignment"]
    post(client, f"/assignments/{first['id']}/skip")
    second = claimed(client, 1)["assignment"]
    assert first.keys() == second.keys()
    assert first["problem"].keys() == second["problem"].keys()
    told = {first["problem"]["id"], second["problem"]["id"]}
    assert len(told) == 2
    assert not told & {gold.problem_id, plain.problem_id}


@pytest.fixture
def estimated(project: Project) -> Any:
    solution = make_solution(make_problem(project))
    for number in (1, 2):
        run = EstimationRun.objects.create(
            project=project, number=number, strategy="math-shepherd", status=JobStatus.FINISHED
        )
        SolutionEstimate.objects.create(run=run, solution=solution, first_error=2)
        for place, step in enumerate(solution.steps.order_by("position")):
            StepEstimate.objects.create(run=run, step=step, rollouts=8, successes=4 - place * number, hard=place < 2)
    return solution


def test_in_verify_mode_the_payload_shows_the_newest_runs_labels_and_keeps_them(
    project: Project, estimated: Any, bob: User
) -> None:
    open_round(project=project, protocol="first_error", mode="verify")
    client = bearer(bob)
    models = claimed(client, 1)["assignment"]["models"]
    assert models["run"] == 2
    assert models["steps"][1] == {"position": 1, "hard": True, "rollouts": 8, "successes": 2}
    assignment = Assignment.objects.get()
    assert assignment.extras == {"shown": models}
    # A run that comes later does not change what was shown.
    StepEstimate.objects.filter(run__number=2).delete()
    assert claimed(client, 1)["assignment"]["models"] == models


def test_verify_mode_shows_no_model_labels_of_a_live_blind_sample(project: Project, estimated: Any, bob: User) -> None:
    blind = open_blind_round(project=project, size=1).round
    assert blind is not None
    open_round(project=project, protocol="first_error", mode="verify")
    client = bearer(bob)
    assert claimed(client, 2)["assignment"] is None
    rate(blind, bob, 1, -1)
    assert "models" in claimed(client, 2)["assignment"]


def test_a_blind_payload_shows_no_models(project: Project, estimated: Any, bob: User) -> None:
    open_round(project=project, protocol="first_error")
    assert "models" not in claimed(bearer(bob), 1)["assignment"]
    assert Assignment.objects.get().extras is None


def test_keys_are_kept_with_the_person(bob: User, project: Project) -> None:
    client = bearer(bob, scopes=["label"])
    assert client.get(f"{API}/me/keys").json() == {"keys": {}}
    assert post(client, "/me/keys", {"keys": {"great": "d"}}, put=True).json() == {"keys": {"great": "d"}}
    assert client.get(f"{API}/me/keys").json() == {"keys": {"great": "d"}}
    for wrong in ({"great": "x" * 40}, {"great": ""}, {"g" * 40: "x"}, {str(one): "x" for one in range(101)}):
        assert post(client, "/me/keys", {"keys": wrong}, put=True).status_code in (400, 422)
    assert client.get(f"{API}/me/keys").json() == {"keys": {"great": "d"}}
    assert Client().get(f"{API}/me/keys").status_code == 401


def test_a_problem_is_retired_and_brought_back(api: Client, project: Project, bob: User) -> None:
    problem = make_solution(make_problem(project)).problem
    open_round(project=project, protocol="first_error")
    assert post(api, f"/problems/{problem.pk}/retire", {"reason": ""}).status_code in (400, 422)
    assert post(api, f"/problems/{problem.pk}/retire", {"reason": "unclear"}).json()["retired_reason"] == "unclear"
    assert claimed(bearer(bob), 1)["reason"] == "all_done"
    assert post(api, f"/problems/{problem.pk}/bring-back").json()["retired_at"] is None
    assert claimed(bearer(bob), 1)["assignment"] is not None


def test_the_command_knows_every_setting(project: Project, alice: User, bob: User) -> None:
    import json
    from io import StringIO

    from django.core.management import call_command

    make_screening(project)
    said = StringIO()
    call_command(
        "open_round",
        "--json",
        "--project",
        "algebra",
        "--protocol",
        "first_error",
        "--kind",
        "screening",
        "--pass-mark",
        "0.9",
        "--tries",
        "3",
        "--labeler",
        "bob@lab.example",
        "--skill",
        "Lean",
        "--draft",
        stdout=said,
    )
    assert json.loads(said.getvalue().splitlines()[-1]) == {"number": -2, "tasks": 0}
    drafted = project.rounds.get(number=-2)
    assert (drafted.pass_mark, drafted.tries, list(drafted.labelers.all())) == (0.9, 3, [bob])
