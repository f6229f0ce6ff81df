"""Judges, prompts and constitutions by requests, and judges that are tried on one item."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.inference.grants import grant_endpoint, revoke_endpoint
from apps.inference.models import Endpoint
from apps.judging.judges import save_judge
from apps.judging.models import Constitution, Judge, JudgeReply, JudgeRun, SolutionVerdict
from apps.judging.prompts import newest_prompts, prompt_of
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.api.judging_requests import API, add_lab, error_of, post
from tests.api.test_hostile_input import HOSTILE, leaves, with_value
from tests.cast import bearer, make_comparison, make_problem, make_solution
from tests.estimation.model import Model
from tests.judging.model import judges_of, make_judge
from tests.judging.verdicts import judge as judge_of_a_file

PRINCIPLE = {
    "name": "clarity",
    "critique": "What is unclear?",
    "revision": "Make it clearer.",
    "question": "Which is clearer?",
}
OWN = {
    "name": "ours",
    "kind": "steps",
    "title": "Ours",
    "parser": "boxed",
    "user": "{problem}\n\n{steps}\n\nWhich step is wrong?",
    "max_tokens": 500,
}


@pytest.fixture
def server(judge_server: str) -> Model:
    return judges_of(judge_server)


@pytest.fixture
def api(alice: User) -> Client:
    return bearer(alice)


@pytest.fixture
def lab(project: Project) -> dict[str, Any]:
    add_lab(project)
    return {"endpoint": "lab", "kind": "steps"}


# --- judges and prompts ------------------------------------------------------------------------------------


def test_a_judge_is_saved_listed_and_read_with_its_whole_prompt(
    project: Project, api: Client, rita: User, lab: dict[str, Any]
) -> None:
    answer = post(api, "/projects/algebra/judges", lab | {"name": "strict", "prompt": OWN, "votes": 8})
    assert answer.status_code == 201, answer.content
    saved = answer.json()
    assert (saved["name"], saved["version"], saved["kind"], saved["endpoint"]) == ("strict", 1, "steps", "lab")
    assert (saved["model"], saved["options"]["votes"], saved["is_asked"]) == ("judge-7b", 8, True)
    reader = bearer(rita, scopes=["read"])
    whole = reader.get(f"{API}/judges/{saved['id']}").json()
    assert whole == saved
    assert whole["prompt"]["user"] == OWN["user"]
    assert whole["prompt"]["schema"] is None
    (row,) = reader.get(f"{API}/projects/algebra/judges").json()["results"]
    assert row == {**saved, "prompt": {"name": "ours", "version": 1}}
    same = post(api, "/projects/algebra/judges", lab | {"name": "strict", "prompt": OWN, "votes": 8}).json()
    other = post(api, "/projects/algebra/judges", lab | {"name": "strict", "prompt": OWN}).json()
    assert (same["id"], other["version"]) == (saved["id"], 2)


def test_a_judge_of_a_file_is_listed_without_a_prompt(project: Project, api: Client, lab: dict[str, Any]) -> None:
    run = judge_of_a_file(make_solution(make_problem(project)), "llama", 1)
    whole = api.get(f"{API}/judges/{run.judge_id}").json()
    assert (whole["kind"], whole["prompt"], whole["endpoint"], whole["is_asked"]) == ("", None, None, False)
    error = error_of(post(api, "/projects/algebra/judges", lab | {"name": "llama"}))
    assert set(error["fields"]) == {"name"}


def test_the_prompts_in_the_box_are_listed(bob: User) -> None:
    api = bearer(bob, scopes=["read"])
    listed = api.get(f"{API}/judge-prompts").json()["results"]
    assert [prompt["name"] for prompt in listed] == [prompt.name for prompt in newest_prompts()]
    outcome = next(prompt for prompt in listed if prompt["name"] == "outcome")
    assert outcome["user"] == prompt_of("outcome").user
    assert outcome["schema"] == prompt_of("outcome").schema
    only = api.get(f"{API}/judge-prompts", {"kind": "comparison"}).json()["results"]
    assert {prompt["kind"] for prompt in only} == {"comparison"}
    assert set(error_of(api.get(f"{API}/judge-prompts", {"kind": "vibes"}))["fields"]) == {"kind"}
    assert set(error_of(api.get(f"{API}/judge-prompts", {"kinds": "steps"}))["fields"]) == {"kinds"}
    assert bearer(bob, scopes=["label"]).get(f"{API}/judge-prompts").status_code == 403
    assert Client().get(f"{API}/judge-prompts").status_code == 401


@pytest.mark.usefixtures("project")
def test_every_listed_prompt_can_be_sent_back(api: Client, lab: dict[str, Any]) -> None:
    for prompt in api.get(f"{API}/judge-prompts").json()["results"]:
        body = lab | {"kind": prompt["kind"], "name": prompt["name"]}
        by_name = post(api, "/projects/algebra/judges", body | {"prompt": prompt["name"]}).json()
        by_values = post(api, "/projects/algebra/judges", body | {"prompt": prompt}).json()
        assert by_name["prompt"] == by_values["prompt"] == prompt
        assert by_name["id"] == by_values["id"]


# --- constitutions -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("project")
def test_a_constitution_is_saved_once_and_used(api: Client, rita: User, lab: dict[str, Any]) -> None:
    body = {"name": "house", "principles": [PRINCIPLE]}
    first = post(api, "/projects/algebra/constitutions", body)
    assert first.status_code == 201, first.content
    assert (first.json()["version"], first.json()["principles"]) == (1, [PRINCIPLE])
    assert post(api, "/projects/algebra/constitutions", body).json() == first.json()
    changed = {**body, "principles": [PRINCIPLE, {**PRINCIPLE, "name": "brevity"}]}
    second = post(api, "/projects/algebra/constitutions", changed).json()
    assert second["version"] == 2
    rows = bearer(rita).get(f"{API}/projects/algebra/constitutions").json()["results"]
    assert rows == [first.json(), second]
    chosen = lab | {"kind": "principle", "constitution": first.json()["id"]}
    judge = post(api, "/projects/algebra/judges", chosen).json()
    assert judge["constitution"] == {"id": first.json()["id"], "name": "house", "version": 1}
    newest = post(api, "/projects/algebra/judges", lab | {"kind": "principle"}).json()
    assert newest["constitution"]["version"] == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "No Capitals"}, "name"),
        ({"principles": []}, "principles"),
        ({"principles": [PRINCIPLE] * 2}, "principles"),
        ({"principles": [PRINCIPLE | {"name": f"p{n}"} for n in range(101)]}, "principles"),
        ({"principles": [{**PRINCIPLE, "question": " "}]}, "principles[0].question"),
        ({"principles": [PRINCIPLE, {"name": "x"}]}, "principles[1].critique"),
    ],
)
@pytest.mark.usefixtures("project")
def test_an_invalid_constitution_names_the_place(api: Client, values: dict[str, Any], field: str) -> None:
    body = {"name": "house", "principles": [PRINCIPLE]} | values
    assert field in error_of(post(api, "/projects/algebra/constitutions", body))["fields"]
    assert not Constitution.objects.exists()


def test_the_constitution_of_another_project_is_unknown(
    project: Project, api: Client, alice: User, lab: dict[str, Any]
) -> None:
    create_project(slug="other", name="Other", owner=alice)
    theirs = post(api, "/projects/other/constitutions", {"name": "house", "principles": [PRINCIPLE]}).json()
    body = lab | {"kind": "principle", "constitution": theirs["id"]}
    assert set(error_of(post(api, "/projects/algebra/judges", body))["fields"]) == {"constitution"}


# --- trials ------------------------------------------------------------------------------------------------


def test_a_judge_is_tried_on_a_solution(server: Model, project: Project, api: Client) -> None:
    judge = make_judge(project, server, options={"votes": 3})
    solution = make_solution(make_problem(project), ["One.", "That is wrong."])
    answer = post(api, f"/judges/{judge.pk}/try", {"solution": solution.pk})
    assert answer.status_code == 200, answer.content
    trial = answer.json()
    assert (trial["result"]["outcome"], trial["result"]["first_error"], trial["result"]["share"]) == ("verdict", 1, 1.0)
    assert trial["result"]["ratings"] == {"0": 1, "1": -1}
    assert [exchange["slot"] for exchange in trial["exchanges"]] == [0, 1, 2]
    for exchange in trial["exchanges"]:
        assert "That is wrong." in exchange["prompt"]
        assert "\\boxed{1}" in exchange["reply"]
        assert (exchange["outcome"], exchange["verdict"]["ratings"]) == ("verdict", {"0": 1, "1": -1})
    assert trial["completion_tokens"] == sum(exchange["completion_tokens"] for exchange in trial["exchanges"]) > 0
    assert not any(model.objects.exists() for model in (JudgeRun, JudgeReply, SolutionVerdict))


@pytest.mark.parametrize("kind", ["comparison", "principle"])
def test_a_judge_is_tried_on_a_comparison(server: Model, project: Project, api: Client, kind: str) -> None:
    judge = make_judge(project, server, kind)
    comparison = make_comparison(make_problem(project), ["Short."], ["It is a longer one."])
    answer = post(api, f"/judges/{judge.pk}/try", {"comparison": comparison.pk})
    assert answer.status_code == 200, answer.content
    result = answer.json()["result"]
    assert (result["outcome"], result["choice"], result["is_consistent"]) == ("verdict", "right", True)
    assert (len(answer.json()["exchanges"]), len(result["pairs"])) == (2, 1)
    assert bool(result["principles"]) == (kind == "principle")


def test_a_revision_is_tried(server: Model, project: Project, api: Client) -> None:
    judge = make_judge(project, server, "critique-revise")
    solution = make_solution(make_problem(project))
    result = post(api, f"/judges/{judge.pk}/try", {"solution": solution.pk}).json()["result"]
    (revision,) = result["revisions"]
    assert revision["is_changed"]
    assert "Now it is clearer." in revision["text"]


def test_what_cannot_be_tried_is_named(project: Project, api: Client, alice: User, lab: dict[str, Any]) -> None:
    judge = post(api, "/projects/algebra/judges", lab).json()["id"]
    other = create_project(slug="other", name="Other", owner=alice)
    foreign = make_solution(make_problem(other))
    solution = make_solution(make_problem(project))
    pair = make_comparison(make_problem(project), ["One."], ["Two."])
    for body, fields in (
        ({}, {"solution", "comparison"}),
        ({"solution": solution.pk, "comparison": pair.pk}, {"solution", "comparison"}),
        ({"solution": foreign.pk}, {"solution"}),
        ({"solution": 10**9}, {"solution"}),
        ({"comparison": 10**9}, {"comparison"}),
        ({"comparison": pair.pk}, {"solution"}),
        ({"solution": "one"}, {"solution"}),
    ):
        assert set(error_of(post(api, f"/judges/{judge}/try", body))["fields"]) == fields, body
    imported = judge_of_a_file(solution, "llama", 1).judge
    assert set(error_of(post(api, f"/judges/{imported.pk}/try", {"solution": solution.pk}))["fields"]) == {"judge"}
    assert error_of(post(api, "/judges/1000000000/try", {"solution": solution.pk}), 404)["code"] == "not_found"


def test_a_model_that_is_away_is_503(project: Project, api: Client, lab: dict[str, Any]) -> None:
    judge = post(api, "/projects/algebra/judges", lab).json()["id"]
    solution = make_solution(make_problem(project))
    error = error_of(post(api, f"/judges/{judge}/try", {"solution": solution.pk}), 503)
    assert error["code"] == "judge_away"


def test_an_endpoint_that_is_no_longer_granted_is_not_asked(project: Project, api: Client) -> None:
    shared = add_lab(None)
    grant_endpoint(endpoint=shared, projects=[project])
    judge = save_judge(project=project, endpoint=shared, kind="steps")
    solution = make_solution(make_problem(project))
    revoke_endpoint(endpoint=shared, projects=[project])
    for path, body in (
        (f"/judges/{judge.pk}/try", {"solution": solution.pk}),
        ("/projects/algebra/judge-runs", {"judge": judge.pk}),
        ("/projects/algebra/judge-runs/forecast", {"judge": judge.pk}),
    ):
        error = error_of(post(api, path, body))
        assert (error["code"], set(error["fields"])) == ("not_granted", {"endpoint"})


def test_a_judge_whose_endpoint_has_another_model_is_not_asked(
    project: Project, api: Client, lab: dict[str, Any]
) -> None:
    solution = make_solution(make_problem(project))
    judge = post(api, "/projects/algebra/judges", lab).json()["id"]
    run = post(api, "/projects/algebra/judge-runs", {"judge": judge}).json()["id"]
    post(api, f"/judge-runs/{run}/pause")
    Endpoint.objects.update(model="judge-70b")
    for path, body in (
        (f"/judges/{judge}/try", {"solution": solution.pk}),
        ("/projects/algebra/judge-runs", {"judge": judge}),
        ("/projects/algebra/judge-runs/forecast", {"judge": judge}),
        (f"/judge-runs/{run}/resume", {}),
    ):
        error = error_of(post(api, path, body), 409)
        assert error["code"] == "model_changed", path
        assert "Save the judge again" in error["message"]
    again = post(api, "/projects/algebra/judges", lab).json()
    assert (again["version"], again["model"]) == (2, "judge-70b")
    assert post(api, "/projects/algebra/judge-runs", {"judge": again["id"]}).status_code == 201


# --- hostile input -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["judges", "judge-runs", "judge-runs/forecast", "constitutions"])
def test_no_value_of_a_valid_body_breaks_the_server(
    project: Project, alice: User, lab: dict[str, Any], path: str
) -> None:
    make_solution(make_problem(project))
    api = bearer(alice)
    api.raise_request_exception = False
    judge = lab | {
        "name": "n",
        "prompt": OWN | {"schema": {"type": "object"}},
        "options": {"votes": 2},
        "max_tokens": 9,
    }
    run = judge | {
        "attempts": 2,
        "uses_schema": True,
        "selection": {"answers": "any", "source": ""},
        "budget": {"requests": 9, "tokens": 9, "cost": 1.5, "seconds": 9.5},
        "seed": 1,
    }
    comparison = {"kind": "comparison", "selection": {"pairs": "random", "each": 1}}
    house = {"name": "house", "principles": [PRINCIPLE]}
    bodies = {"judges": [judge], "constitutions": [house]}.get(path, [run, lab | comparison])
    statuses = set()
    for body in bodies:
        for place in leaves(body):
            for value in HOSTILE:
                spoilt = json.dumps(with_value(body, place, value))
                answer = api.post(f"{API}/projects/algebra/{path}", spoilt, content_type="application/json")
                assert answer.status_code in (200, 201, 400), (place, value, answer.content)
                statuses.add(answer.status_code)
    assert 400 in statuses
    assert len(statuses) == 2
    assert Judge.objects.count() == 0 or path != "judge-runs/forecast"
