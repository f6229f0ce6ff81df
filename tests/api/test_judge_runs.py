"""Judge runs by requests: started by settings or by a judge, forecast, paused, resumed, cancelled; and what they store."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.corpus.models import Comparison, Solution
from apps.judging.models import Constitution, Judge, JudgeReply, JudgeRun
from apps.judging.runs.services import start_judging
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.api.judging_requests import API, add_lab, error_of, post, settings_of
from tests.cast import bearer, make_problem, make_solution
from tests.estimation.model import Model
from tests.judging.model import judges_of, make_judge, worked
from tests.judging.test_runs import fill, pairs
from tests.judging.verdicts import judge as judge_of_a_file

STORED = (Judge, JudgeRun, Constitution, Comparison)


@pytest.fixture
def server(judge_server: str) -> Model:
    return judges_of(judge_server)


@pytest.fixture
def api(alice: User) -> Client:
    return bearer(alice)


def counts() -> list[int]:
    return [model.objects.count() for model in STORED]


def streamed(api: Client, path: str) -> list[dict[str, Any]]:
    answer = api.get(f"{API}{path}", headers={"Accept": "application/x-ndjson"})
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]  # type: ignore[attr-defined]


def listed(api: Client, path: str, **filters: object) -> list[dict[str, Any]]:
    answer = api.get(f"{API}{path}", {"page_size": 1000, **filters})
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


# --- a run, from its start to its rows --------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_run_is_started_worked_on_and_read(server: Model, project: Project, api: Client, rita: User) -> None:
    solutions = fill(project)
    settings = settings_of(make_judge(project, server), name="critic", votes=3, temperature=0.5, max_tokens=300)
    body = settings | {"attempts": 2, "uses_schema": False, "budget": {"requests": 1000}, "seed": 7}
    answer = post(api, "/projects/algebra/judge-runs", body)
    assert answer.status_code == 201, answer.content
    started = answer.json()
    judge = Judge.objects.get(name="critic")
    assert started["judge"] == {"id": judge.pk, "name": "critic", "version": 1, "kind": "steps"}
    assert judge.options == {"votes": 3, "temperature": 0.5, "max_tokens": 300}
    assert (started["status"], started["total"], started["seed"], started["endpoint"]) == (
        "queued",
        6,
        7,
        "completions",
    )
    assert started["options"] == {"attempts": 2, "uses_schema": False}
    assert started["budget"]["requests"] == 1000

    worked(JudgeRun.objects.get(pk=started["id"]))
    reader = bearer(rita, scopes=["read"])
    run = reader.get(f"{API}/judge-runs/{started['id']}").json()
    assert (run["status"], run["done"], run["verdicts"], run["undecided"]) == ("finished", 6, 6, 0)
    assert (run["refusals"], run["unreadable"], run["new_solutions"], run["requests"]) == (0, 0, 0, 6)
    assert run["tokens"] == run["prompt_tokens"] + run["completion_tokens"] > 0
    assert set(run) == set(started)
    assert listed(reader, "/projects/algebra/judge-runs")[0]["id"] == run["id"]

    path = "/projects/algebra/solution-verdicts"
    rows = listed(reader, path)
    assert {row["solution"]: row["first_error"] for row in rows} == {
        solution.pk: 1 if number % 2 else -1 for number, solution in enumerate(solutions)
    }
    assert {(row["run"], row["judge"], row["version"], row["outcome"], row["share"]) for row in rows} == {
        (run["number"], "critic", 1, "verdict", 1.0)
    }
    assert streamed(reader, path) == rows
    assert listed(reader, path, solution=solutions[1].pk) == [rows[1]]
    assert listed(reader, path, outcome="refusal") == listed(reader, path, judge="nobody") == []
    assert len(listed(reader, path, run=run["number"], judge="critic", outcome="verdict")) == 6

    path = f"/judge-runs/{run['id']}/replies"
    replies = listed(reader, path)
    assert len(replies) == 18
    assert {row["slot"] for row in replies} == {0, 1, 2}
    assert streamed(reader, path) == replies
    first = JudgeReply.objects.get(pk=replies[0]["id"])
    assert (replies[0]["text"], replies[0]["verdict"]) == (first.text, first.verdict)
    assert "boxed" in first.text
    assert len(listed(reader, path, solution=solutions[0].pk)) == 3
    assert listed(reader, path, outcome="unreadable") == []


@pytest.mark.django_db(transaction=True)
def test_verdicts_on_comparisons_are_listed(server: Model, project: Project, api: Client) -> None:
    server.control(flips=0.5)
    pairs(project, 8)
    judge = make_judge(project, server, "comparison")
    answer = post(
        api, "/projects/algebra/judge-runs", {"judge": judge.pk, "selection": {"pairs": "right_wrong", "each": 2}}
    )
    assert answer.status_code == 201, answer.content
    run = worked(JudgeRun.objects.get(pk=answer.json()["id"]))
    path = "/projects/algebra/comparison-verdicts"
    rows = listed(api, path)
    assert len(rows) == 8
    decided, undecided = (listed(api, path, outcome=outcome) for outcome in ("verdict", "inconsistent"))
    assert (len(undecided), len(decided)) == (run.undecided, 8 - run.undecided)
    assert run.undecided in range(1, 8)
    for row in rows:
        pair = Comparison.objects.get(pk=row["comparison"])
        assert (row["left"], row["right"], row["problem"]) == (pair.left_id, pair.right_id, pair.problem_id)
        assert (row["choice"] != "") == (row["outcome"] == "verdict")
        assert (row["pairs"], row["flips"]) == (1, int(row["outcome"] == "inconsistent"))
        assert sum(row["shown_first"].values()) == 2
    assert streamed(api, path) == rows
    assert listed(api, path, comparison=rows[0]["comparison"]) == [rows[0]]
    assert listed(api, path, problem=rows[1]["problem"]) == [rows[1]]
    assert listed(api, "/projects/algebra/solution-verdicts") == []


@pytest.mark.django_db(transaction=True)
def test_revisions_are_listed(server: Model, project: Project, api: Client) -> None:
    originals = fill(project, 2)
    body = settings_of(make_judge(project, server), kind="critique-revise", options={"revisions": 2})
    answer = post(api, "/projects/algebra/judge-runs", body)
    assert answer.status_code == 201, answer.content
    run = worked(JudgeRun.objects.get(pk=answer.json()["id"]))
    assert run.new_solutions == 4
    rows = listed(api, "/projects/algebra/revisions")
    assert [(row["solution"], row["ordinal"]) for row in rows] == [
        (original.pk, ordinal) for original in originals for ordinal in (0, 1)
    ]
    assert all(Solution.objects.filter(pk=row["revised"]).exists() for row in rows)
    assert all(row["critique"] and row["principle"] for row in rows)
    assert streamed(api, "/projects/algebra/revisions") == rows
    assert listed(api, "/projects/algebra/revisions", solution=originals[1].pk) == rows[2:]


@pytest.mark.django_db(transaction=True)
def test_rows_are_listed_when_the_run_has_ended(server: Model, project: Project, api: Client) -> None:
    """Before that they may change; the replies can be read at any time."""
    # So slow that the budget, which is looked at once a second, pauses it in the midst of it.
    server.control(latency_s=1.5)
    fill(project, 60)
    run = worked(start_judging(judge=make_judge(project, server), budget={"requests": 5}))
    assert run.status == "paused"
    assert run.done > 0
    paths = ("/projects/algebra/verdicts", "/projects/algebra/solution-verdicts")
    assert [listed(api, path) for path in paths] == [[], []]
    assert len(listed(api, f"/judge-runs/{run.pk}/replies")) == run.requests
    assert post(api, f"/judge-runs/{run.pk}/cancel").json()["status"] == "cancelled"
    assert [len(listed(api, path)) for path in paths] == [run.steps, run.done]


# --- starting ----------------------------------------------------------------------------------------------


@pytest.fixture
def lab(project: Project) -> dict[str, Any]:
    """Settings of a judge that nobody has asked yet."""
    add_lab(project)
    return {"endpoint": "lab", "kind": "steps"}


def test_a_run_is_of_an_existing_judge_or_of_settings(project: Project, api: Client, lab: dict[str, Any]) -> None:
    make_solution(make_problem(project))
    first = post(api, "/projects/algebra/judge-runs", lab).json()
    again = post(api, "/projects/algebra/judge-runs", {"judge": first["judge"]["id"]}).json()
    same = post(api, "/projects/algebra/judge-runs", lab | {"votes": 1}).json()
    other = post(api, "/projects/algebra/judge-runs", lab | {"votes": 2}).json()
    assert first["judge"] == again["judge"] == same["judge"]
    assert (other["judge"]["name"], other["judge"]["version"]) == ("lab", 2)
    assert [run["number"] for run in (first, again, same, other)] == [1, 2, 3, 4]
    both = error_of(post(api, "/projects/algebra/judge-runs", {"judge": first["judge"]["id"], "votes": 3, "name": "x"}))
    assert set(both["fields"]) == {"votes", "name"}
    neither = error_of(post(api, "/projects/algebra/judge-runs", {"name": "x"}))
    assert set(neither["fields"]) == {"endpoint", "kind"}


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"endpoint": "nowhere"}, "endpoint"),
        ({"kind": "vibes"}, "kind"),
        ({"kind": "chorus"}, "kind"),
        ({"prompt": "nothing"}, "prompt"),
        ({"prompt": "outcome"}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": {"name": "ours"}}, "prompt.kind"),
        (
            {"prompt": {"name": "ours", "kind": "steps", "title": "Ours", "parser": "boxed", "user": "Hm."}},
            "prompt.user",
        ),
        ({"votes": 0}, "votes"),
        ({"votes": 65}, "votes"),
        ({"temperature": 2.5}, "temperature"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"options": {"votes": "many"}}, "options"),
        ({"options": {"vote": 3}}, "options"),
        ({"options": []}, "options"),
        ({"kind": "critique-revise", "votes": 3}, "options"),
        ({"constitution": 1}, "constitution"),
        ({"kind": "principle", "constitution": 10**9}, "constitution"),
        ({"name": "n" * 201}, "name"),
        ({"attempts": 0}, "attempts"),
        ({"attempts": 17}, "attempts"),
        ({"uses_schema": "perhaps"}, "uses_schema"),
        ({"selection": {"answers": "maybe"}}, "selection"),
        ({"selection": {"answers": [1]}}, "selection"),
        ({"selection": {"pairs": "random"}}, "selection"),
        ({"kind": "comparison", "selection": {"pairs": "odd"}}, "selection"),
        ({"kind": "comparison", "selection": {"each": 0}}, "selection"),
        ({"budget": {"requests": 0}}, "budget"),
        ({"budget": {"rollouts": 5}}, "budget"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
    ],
)
@pytest.mark.parametrize("path", ["judge-runs", "judge-runs/forecast"])
def test_an_invalid_value_is_named_and_nothing_is_stored(
    project: Project, api: Client, lab: dict[str, Any], path: str, values: dict[str, Any], field: str
) -> None:
    make_solution(make_problem(project))
    before = counts()
    assert set(error_of(post(api, f"/projects/algebra/{path}", lab | values))["fields"]) == {field}
    assert counts() == before


def test_a_run_without_items_leaves_no_judge(project: Project, api: Client, lab: dict[str, Any]) -> None:
    for values in ({}, {"kind": "principle"}):
        error = error_of(post(api, "/projects/algebra/judge-runs", lab | values))
        assert set(error["fields"]) == {"selection"}
    assert counts() == [0, 0, 0, 0]


def test_a_judge_of_a_file_or_of_another_project_cannot_be_asked(
    project: Project, api: Client, alice: User, lab: dict[str, Any]
) -> None:
    solution = make_solution(make_problem(project))
    imported = judge_of_a_file(solution, "llama", 1)
    foreign = create_project(slug="other", name="Other", owner=alice)
    stranger = Judge.objects.create(project=foreign, name="theirs")
    for path in ("judge-runs", "judge-runs/forecast"):
        for judge in (imported.judge, stranger):
            error = error_of(post(api, f"/projects/algebra/{path}", {"judge": judge.pk}))
            assert set(error["fields"]) == {"judge"}
    listed_run = listed(api, "/projects/algebra/judge-runs")[0]
    assert (listed_run["judge"]["kind"], listed_run["endpoint"], listed_run["origin"]) == ("", None, "jsonl")


# --- forecast ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "requests"),
    [
        ({"kind": "steps"}, 8),
        ({"kind": "outcome", "votes": 3}, 8),
        ({"kind": "comparison", "votes": 2, "selection": {"pairs": "right_wrong"}}, 8),
        ({"kind": "principle", "selection": {"pairs": "random"}}, 8),
        ({"kind": "critique-revise", "options": {"revisions": 2}}, 32),
    ],
)
def test_a_forecast_takes_the_body_of_a_start_and_stores_nothing(
    project: Project, api: Client, lab: dict[str, Any], values: dict[str, Any], requests: int
) -> None:
    pairs(project)
    body = lab | values | {"budget": {"cost": 1}, "attempts": 5, "seed": 3}
    before = counts()
    reader = bearer(project.memberships.get(role="owner").user, scopes=["read"])
    answer = post(reader, "/projects/algebra/judge-runs/forecast", body)
    assert answer.status_code == 200, answer.content
    forecast = answer.json()
    assert (forecast["requests"], forecast["cost"], forecast["is_measured"]) == (requests, None, False)
    assert forecast["tokens"] == pytest.approx(forecast["tokens_in"] + forecast["tokens_out"])
    assert forecast["tokens_in"] > 0
    assert counts() == before
    started = post(api, "/projects/algebra/judge-runs", body)
    assert started.status_code == 201, started.content
    assert started.json()["total"] == forecast["items"]


# --- the life of a run -------------------------------------------------------------------------------------


def test_a_run_pauses_resumes_and_ends(project: Project, api: Client, lab: dict[str, Any]) -> None:
    make_solution(make_problem(project))
    pk = post(api, "/projects/algebra/judge-runs", lab).json()["id"]
    assert post(api, f"/judge-runs/{pk}/pause").json()["status"] == "paused"
    wrong = error_of(post(api, f"/judge-runs/{pk}/resume", {"budget": {"requests": 0}}))
    assert set(wrong["fields"]) == {"budget"}
    resumed = post(api, f"/judge-runs/{pk}/resume", {"budget": {"requests": 9}}).json()
    assert (resumed["status"], resumed["budget"]["requests"]) == ("queued", 9)
    assert post(api, f"/judge-runs/{pk}/cancel").json()["status"] == "cancelled"
    assert post(api, f"/judge-runs/{pk}/cancel").json()["status"] == "cancelled"
    assert error_of(post(api, f"/judge-runs/{pk}/resume"), 409)["code"] == "ended"


@pytest.mark.parametrize("verb", ["", "/pause", "/resume", "/cancel", "/replies"])
def test_a_run_that_does_not_exist_is_404(project: Project, api: Client, verb: str) -> None:
    for pk in (10**9, 10**25):
        path = f"/judge-runs/{pk}{verb}"
        answer = api.get(f"{API}{path}") if verb in ("", "/replies") else post(api, path)
        assert error_of(answer, 404)["code"] == "not_found"


@pytest.mark.parametrize("filters", [{"outcom": "x"}, {"outcome": "x"}, {"run": "x"}, {"judge_name": "x"}])
@pytest.mark.parametrize("path", ["solution-verdicts", "comparison-verdicts"])
def test_a_wrong_filter_is_named(project: Project, api: Client, path: str, filters: dict[str, str]) -> None:
    error = error_of(api.get(f"{API}/projects/algebra/{path}", filters))
    assert list(error["fields"]) == list(filters)


# --- queries -----------------------------------------------------------------------------------------------


@pytest.fixture
def many(project: Project, api: Client, lab: dict[str, Any]) -> None:
    make_solution(make_problem(project))
    for number in range(12):
        kind = "principle" if number % 2 else "steps"
        answer = post(api, "/projects/algebra/judges", lab | {"kind": kind, "name": f"judge {number}"})
        assert answer.status_code == 201
    for judge in Judge.objects.filter(kind="steps"):
        start_judging(judge=judge)


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(("path", "rows"), [("judge-runs", 6), ("judges", 12), ("constitutions", 1)])
def test_a_page_takes_the_same_queries_for_any_number_of_rows(
    api: Client, path: str, rows: int, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(6):
        assert len(listed(api, f"/projects/algebra/{path}")) == rows
