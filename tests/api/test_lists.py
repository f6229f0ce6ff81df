"""Lists: filters, what is archived, and the figures of people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.labeling.rounds.services import create_round
from apps.projects.models import Project
from apps.quality.consensus.recompute import recompute_project
from apps.quality.gold.suspensions import suspend
from apps.quality.metrics.refresh import refresh
from tests.cast import bearer, make_problem, make_round, make_solution
from tests.world import World, rate

API = "/api/v1/projects/algebra"
# By list: the kind of `removal`, and the attribute of the world with a row of it.
ARCHIVABLE = {"imports": ("import", "batch"), "exports": ("export", "export"), "rounds": ("round", "round")}
ARCHIVABLE |= {"endpoints": ("endpoint", "endpoint")}
RUNS = {"estimation-runs": "run", "sampling-runs": "sampling", "scoring-runs": "scoring", "judge-runs": "judging"}


@pytest.fixture
def api(alice: User) -> Client:
    return bearer(alice)


def ids(api: Client, path: str) -> list[int]:
    answer = api.get(f"{API}/{path}")
    assert answer.status_code == 200, answer.content
    return [row.get("id") or row["number"] for row in answer.json()["results"]]


@pytest.mark.parametrize("name", ARCHIVABLE)
def test_lists_leave_out_what_is_archived(api: Client, world: World, name: str) -> None:
    kind, attribute = ARCHIVABLE[name]
    row = getattr(world, attribute)
    before = ids(api, name)
    type(row).objects.filter(pk=row.pk).update(archived_at="2026-01-01T00:00Z")
    own = row.number if kind == "round" else row.pk
    assert ids(api, f"{name}?archived=1") == ids(api, f"{name}?archived=true") == [own]
    assert ids(api, name) == ids(api, f"{name}?archived=0") == [one for one in before if one != own]
    assert api.get(f"{API}/{name}?archived=maybe").json()["error"]["fields"] == {"archived": "Must be 0 or 1."}


def test_archived_projects_are_a_list_of_their_own(api: Client, project: Project) -> None:
    api.put(f"{API}/archived/project/{project.pk}")
    assert api.get("/api/v1/projects").json()["results"] == []
    assert [row["slug"] for row in api.get("/api/v1/projects?archived=1").json()["results"]] == ["algebra"]


@pytest.mark.parametrize("name", RUNS)
def test_runs_are_filtered_alike(api: Client, world: World, name: str, django_assert_max_num_queries: Any) -> None:
    run = getattr(world, RUNS[name])
    with django_assert_max_num_queries(4):
        assert ids(api, name) == [run.pk]
    assert ids(api, f"{name}?status={run.status}&endpoint=lab") == [run.pk]
    assert ids(api, f"{name}?status=finished") == ids(api, f"{name}?endpoint=other") == []
    for wrong in ("status=lost", "colour=red"):
        field = wrong.partition("=")[0]
        assert api.get(f"{API}/{name}?{wrong}").json()["error"]["fields"].keys() == {field}
    row = api.get(f"{API}/{name}").json()["results"][0]
    assert {"status", "done", "total", "requests", "tokens", "rate", "eta_s", "seconds", "notices"} <= row.keys()


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("estimation-runs?strategy=posterior-search", 1),
        ("estimation-runs?strategy=math-shepherd", 0),
        ("judge-runs?judge=lab&version=1&kind=steps", 1),
        ("judge-runs?kind=outcome", 0),
        ("exports?format=annotate&status=finished", 1),
        ("exports?format=trl-prm", 0),
        ("imports?format=jsonl&status=queued", 1),
        ("imports?status=failed", 0),
        ("rounds?status=draft", 1),
        ("rounds?kind=screening", 0),
        ("judges?kind=steps&name=lab", 1),
    ],
)
def test_filters_narrow_lists(api: Client, world: World, path: str, found: int) -> None:
    assert len(ids(api, path)) == found


def test_imports_are_listed_without_their_rows(api: Client, world: World) -> None:
    (row,) = api.get(f"{API}/imports").json()["results"]
    assert (row["filename"], "rejected_rows" in row) == ("two.jsonl", False)


def test_the_audit_log_is_searched_and_streamed(api: Client, world: World, mia: User) -> None:
    def verbs(query: str) -> list[str]:
        return [row["verb"] for row in api.get(f"{API}/audit?{query}").json()["results"]]

    assert set(verbs("verb=guidelines.")) == {"guidelines.published"}
    assert verbs("who=nobody@lab.example") == []
    assert "member.set" in verbs("target=mia@lab.example")
    assert verbs("until=2020-01-01") == []
    assert len(verbs("since=2020-01-01&page_size=1000")) == len(verbs("page_size=1000")) > 3
    assert api.get(f"{API}/audit?since=tomorrow").json()["error"]["fields"].keys() == {"since"}
    stream = b"".join(api.get(f"{API}/audit", headers={"Accept": "application/x-ndjson"}).streaming_content)  # type: ignore[attr-defined]
    lines = [json.loads(line) for line in stream.splitlines()]
    assert [line["verb"] for line in lines] == verbs("page_size=1000")
    assert lines[0].keys() == {"id", "at", "who", "verb", "target", "before", "after"}


@pytest.fixture
def labeled(project: Project, bob: User, rita: User) -> Project:
    """Six solutions that bob and rita rated alike but for one."""
    for _ in range(6):
        make_solution(make_problem(project))
    round_ = make_round(project, redundancy=2)
    create_round(project=project, protocol="first_error")  # Scopes by round need more than one.
    for number in range(6):
        rate(round_, bob, 1, -1)
        rate(round_, rita, *((1, -1) if number else (1, 1, 1)))
    recompute_project(project)
    refresh(project)
    return project


def test_quality_is_listed_by_figure_and_scope(api: Client, labeled: Project) -> None:
    rows = api.get(f"{API}/quality").json()["results"]
    assert {"agreement", "pairs", "over_time", "consensus"} <= {row["name"] for row in rows}
    assert "labelers" not in {row["name"] for row in rows}, "which holds ids of users"
    (of_round,) = api.get(f"{API}/quality?name=agreement&scope=round:1").json()["results"]
    assert of_round["data"]["solutions"] == 6
    assert of_round["data"]["first_errors"]["exact"]["value"] == pytest.approx(5 / 6)
    (pairs,) = api.get(f"{API}/quality?name=pairs").json()["results"]
    names = set(labeled.memberships.values_list("pseudonym", flat=True))
    assert {pairs["data"]["pairs"][0][side] for side in ("first", "second")} < names


def test_labelers_have_figures_and_reviewers_see_no_names(
    api: Client, labeled: Project, alice: User, bob: User, rita: User, django_assert_max_num_queries: Any
) -> None:
    member = labeled.memberships.get(user=bob)
    suspend(membership=member, reason="Guesses.", by=alice)
    with django_assert_max_num_queries(9):
        rows = api.get(f"{API}/labelers").json()["results"]
    own = next(row for row in rows if row["id"] == member.pk)
    assert (own["email"], own["submissions"], own["suspended_because"]) == ("bob@lab.example", 6, "Guesses.")
    assert own["agrees"]["of"] == own["agrees"]["hits"] + 1 == 6
    assert own["agrees"]["low"] < 5 / 6 < own["agrees"]["high"]
    assert own["gold_steps"] == {"hits": 0, "of": 0, "low": None, "high": None}
    assert api.get(f"{API}/labelers/{member.pk}").json() == own
    assert len(api.get(f"{API}/labelers?status=active").json()["results"]) == 1
    seen = bearer(rita).get(f"{API}/labelers").json()["results"]
    assert {row["email"] for row in seen} == {None}
    idle = labeled.memberships.get(user=alice)
    assert api.get(f"{API}/labelers/{idle.pk}").status_code == 404
    assert api.get(f"{API}/labelers/{2**63}").status_code == 404


def test_before_any_figure_was_computed_lists_are_empty(api: Client, project: Project) -> None:
    assert ids(api, "quality") == ids(api, "labelers") == []
