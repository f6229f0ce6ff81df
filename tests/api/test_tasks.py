"""Tasks by requests: listing and filtering them, acting on many, and a labeler's figures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.labeling.assignments.submit import submit
from apps.labeling.models import Assignment, Reservation, Round, Task
from apps.projects.models import Membership, Project
from apps.projects.services import create_project
from apps.quality.consensus.recompute import recompute_projects
from apps.quality.metrics.refresh import refresh
from tests.cast import bearer, make_round
from tests.labeling.test_queue import GOOD, take
from tests.quality.submissions import submit_next

TASKS = "/api/v1/projects/algebra/tasks"


@pytest.fixture
def round_(project: Project) -> Round:
    return make_round(project, tasks=3)


@pytest.fixture
def api(mia: User) -> Client:
    return bearer(mia)


def post(api: Client, path: str, **body: Any) -> Any:
    return api.post(path, body, content_type="application/json")


def pseudonym(project: Project, user: User) -> str:
    return Membership.objects.get(project=project, user=user).pseudonym


def ids(round_: Round) -> list[int]:
    return list(Task.objects.filter(round=round_).order_by("pk").values_list("pk", flat=True))


def test_tasks_are_listed_with_who_has_them(round_: Round, api: Client, bob: User) -> None:
    name = pseudonym(round_.project, bob)
    submit(assignment=take(round_, bob), submission=GOOD)
    take(round_, bob)
    rows = api.get(TASKS).json()["results"]
    assert [row["state"] for row in rows] == ["complete", "in_work", "waiting"]
    assert [(row["done"], row["needed"]) for row in rows] == [(1, 1), (0, 1), (0, 1)]
    assert [person["labeler"] for row in rows for person in row["people"]] == [name, name]
    assert rows[1]["people"][0]["until"] is not None
    (row,) = api.get(TASKS, {"state": "submitted", "labeler": name, "round": 1}).json()["results"]
    assert row["id"] == ids(round_)[0]
    first = api.get(TASKS, {"page_size": 2}).json()
    rest = api.get(first["next"]).json()
    assert len(first["results"]) + len(rest["results"]) == 3
    lines = b"".join(api.get(TASKS, headers={"accept": "application/x-ndjson"}).streaming_content)  # type: ignore[attr-defined]
    assert [json.loads(line)["id"] for line in lines.splitlines()] == ids(round_)


def test_unknown_filters_and_values_are_errors(round_: Round, api: Client) -> None:
    for query in ({"state": "gold"}, {"gold": "true"}, {"labeler": "nobody"}, {"round": "x"}, {"priority": "99999999"}):
        assert api.get(TASKS, query).status_code == 400, query


def test_tasks_are_assigned_released_and_prioritized(round_: Round, api: Client, bob: User, mia: User) -> None:
    first, second, third = ids(round_)
    name = pseudonym(round_.project, bob)
    submit(assignment=take(round_, bob), submission=GOOD)
    answer = post(api, f"{TASKS}/assign", tasks=[first, third], labeler=name, note="This one.").json()
    assert answer == {
        "tasks": [third],
        "refused": [{"task": first, "reason": "They have it, or have submitted it."}],
    }
    assert Reservation.objects.get().by == mia
    claimed = bearer(bob).post("/api/v1/projects/algebra/rounds/1/claim", {}, content_type="application/json").json()
    assert claimed["assignment"]["assigned"] == {"by": "Mia", "note": "This one."}
    assert post(api, f"{TASKS}/release", tasks=[third]).json()["tasks"] == [third]
    assert Assignment.objects.get(task=third).state == Assignment.State.RELEASED
    assert post(api, f"{TASKS}/priority", tasks=[second], priority=3).json()["tasks"] == [second]
    assert Task.objects.get(pk=second).priority == 3
    assert post(api, f"{TASKS}/return", tasks=[first], note="Again.").json()["tasks"] == [first]
    assert Assignment.objects.get(task=first).state == Assignment.State.RETURNED
    assert post(api, f"{TASKS}/retire", tasks=[second], note="It is wrong.").json()["tasks"] == [second]
    assert Task.objects.get(pk=second).withdrawn == "retired"


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("assign", {"tasks": [1]}),
        ("assign", {"tasks": [1], "labeler": "nobody"}),
        ("assign", {"tasks": [], "labeler": "nobody"}),
        ("release", {"tasks": list(range(1, 1002))}),
        ("priority", {"tasks": [1], "priority": 10**7}),
        ("return", {"tasks": [1]}),
        ("retire", {"tasks": [1], "note": ""}),
    ],
)
def test_incomplete_requests_name_the_field(round_: Round, api: Client, act: str, body: dict[str, Any]) -> None:
    assert post(api, f"{TASKS}/{act}", **body).status_code == 400


def test_tasks_of_other_projects_are_refused(round_: Round, charlie: User) -> None:
    create_project(slug="other", owner=charlie)
    (first, *_) = ids(round_)
    answer = post(bearer(charlie), "/api/v1/projects/other/tasks/priority", tasks=[first], priority=5).json()
    assert answer == {"tasks": [], "refused": [{"task": first, "reason": "No such task in this project."}]}
    assert Task.objects.get(pk=first).priority == 0


def test_a_labelers_figures(round_: Round, rita: User, bob: User) -> None:
    submit_next(round_, bob, 1, 1, 1)
    recompute_projects()
    refresh(round_.project)
    member = Membership.objects.get(project=round_.project, user=bob)
    api = bearer(rita)
    figures = api.get(f"/api/v1/projects/algebra/labelers/{member.pk}/figures").json()
    assert figures["labeler"] == member.pseudonym
    assert (figures["figures"]["assignments"], figures["figures"]["fast"]) == (1, 0)
    assert figures["endings"]["fast"] == 0
    assert [bar["count"] for bar in figures["times"]] == [1, 0, 0, 0, 0, 0, 0]
    assert (figures["gold_weeks"], figures["screenings"], figures["suspensions"]) == ([], [], [])
    assert api.get("/api/v1/projects/algebra/labelers/0/figures").status_code == 404
