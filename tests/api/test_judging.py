"""Verdicts by requests: a list with filters, a stream, and beside the rest of a solution's evidence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.corpus.models import Solution
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.cast import bearer, make_problem, make_solution
from tests.judging.verdicts import judge
from tests.quality.test_judges_as_a_source import estimate

API = "/api/v1"


@pytest.fixture
def solution(project: Project) -> Solution:
    first, second = (make_solution(make_problem(project)) for _ in range(2))
    judge(first, "llama", 1, -1, confidence=0.7, reason="No.")
    judge(second, "llama", 1)
    judge(first, "gpt", 0, version=2)
    return first


def found(api: Client, project: Project, **asked: object) -> list[dict[str, Any]]:
    answer = api.get(f"{API}/projects/{project.slug}/verdicts", asked)
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def test_verdicts_are_listed_and_filtered(project: Project, solution: Solution, rita: User) -> None:
    api = bearer(rita, scopes=["read"])
    rows = found(api, project)
    assert len(rows) == 4
    step = solution.steps.get(position=1)
    assert {**rows[1], "id": 0} == {
        "id": 0,
        "run": 1,
        "judge": "llama",
        "version": 1,
        "solution": solution.pk,
        "step": step.pk,
        "position": 1,
        "candidate": 0,
        "rating": -1,
        "confidence": 0.7,
        "reason": "No.",
    }
    assert [one["rating"] for one in found(api, project, judge="gpt")] == [0]
    assert len(found(api, project, judge="llama", solution=solution.pk)) == 2
    assert len(found(api, project, version=2)) == len(found(api, project, run=2)) == 1
    assert found(api, project, judge="nobody") == []


@pytest.mark.parametrize("asked", [{"jugde": "x"}, {"solution": "x"}, {"version": "new"}])
def test_a_filter_that_is_not_known_or_cannot_be_is_told(
    project: Project, solution: Solution, rita: User, asked: dict[str, str]
) -> None:
    answer = bearer(rita).get(f"{API}/projects/{project.slug}/verdicts", asked)
    assert answer.status_code == 400
    assert list(answer.json()["error"]["fields"]) == list(asked)


def test_pages_follow_each_other_and_a_stream_has_all(project: Project, solution: Solution, rita: User) -> None:
    api = bearer(rita)
    path = f"{API}/projects/{project.slug}/verdicts"
    first = api.get(path, {"page_size": 3}).json()
    rest = api.get(first["next"]).json()
    assert (len(first["results"]), len(rest["results"]), rest["next"]) == (3, 1, None)
    streamed = api.get(path, headers={"Accept": "application/x-ndjson"})
    lines = [json.loads(line) for line in b"".join(streamed.streaming_content).splitlines()]  # type: ignore[attr-defined]
    assert lines == first["results"] + rest["results"]


def test_only_those_of_ones_own_project_are_listed(
    project: Project, solution: Solution, alice: User, charlie: User, bob: User
) -> None:
    other = create_project(slug="other", name="Other", owner=charlie)
    judge(make_solution(make_problem(other)), "llama", -1)
    assert len(found(bearer(alice), project)) == 4
    assert bearer(charlie).get(f"{API}/projects/{project.slug}/verdicts").status_code == 404
    assert bearer(bob).get(f"{API}/projects/{project.slug}/verdicts").status_code == 403
    assert bearer(alice, scopes=["write"]).get(f"{API}/projects/{project.slug}/verdicts").status_code == 403


def test_a_page_costs_the_same_whatever_was_said(
    project: Project, solution: Solution, rita: User, django_assert_max_num_queries: Any
) -> None:
    api = bearer(rita)
    for _ in range(20):
        judge(make_solution(make_problem(project)), "llama", 1, 1, 1)
    with django_assert_max_num_queries(8):
        assert len(found(api, project)) == 64


def test_the_evidence_of_a_solution_holds_them(solution: Solution, rita: User) -> None:
    told = bearer(rita).get(f"{API}/solutions/{solution.pk}/evidence").json()
    assert told["steps"][1]["judges"] == [
        {"run": 1, "judge": "llama", "version": 1, "rating": -1, "confidence": 0.7, "reason": "No."}
    ]
    assert [(one["judge"], one["version"], one["first_error"]) for one in told["judges"]] == [
        ("llama", 1, 1),
        ("gpt", 2, None),
    ]
    assert {"source": "judge", "name": "llama v1", "first_error": 1} in told["first_errors"]


def test_numbers_are_whole_numbers(project: Project, solution: Solution, rita: User) -> None:
    api = bearer(rita, scopes=["read"])
    lists = {
        "verdicts": ("run", "version", "solution"),
        "estimates": ("run", "solution"),
        "solutions": ("problem",),
        "step-labels": ("round", "solution", "rating"),
        "preferences": ("round", "comparison", "problem", "solution"),
    }
    document = json.loads(api.get(f"{API}/schema", {"format": "json"}).content)
    for name, filters in lists.items():
        path = f"{API}/projects/{project.slug}/{name}"
        told = next(one for at, one in document["paths"].items() if at.endswith(f"}}/{name}"))["get"]["parameters"]
        types = {one["name"]: one["schema"]["type"] for one in told}
        for asked in filters:
            assert types[asked] == "integer", (name, asked)
            for wrong in ("1.5", "1e0", "one", "1" + "0" * 60):
                answer = api.get(path, {asked: wrong})
                assert answer.status_code == 400, (name, asked, wrong, answer.content)
                assert asked in answer.content.decode()
            assert api.get(path, {asked: str(10**30)}).status_code == 200
            assert api.get(path, {asked: "1"}).status_code == 200


def test_estimates_are_filtered_by_run_and_solution(project: Project, solution: Solution, rita: User) -> None:
    api, other = bearer(rita, scopes=["read"]), project.solutions.exclude(pk=solution.pk).get()
    estimate(solution, True, False)
    estimate(other, True)
    estimate(solution, True, number=2, origin="jsonl:2")
    for asked, count in (({}, 4), ({"run": 1}, 3), ({"run": 2}, 1), ({"solution": solution.pk}, 3), ({"run": 3}, 0)):
        answer = api.get(f"{API}/projects/{project.slug}/estimates", asked)
        assert len(answer.json()["results"]) == count, asked
