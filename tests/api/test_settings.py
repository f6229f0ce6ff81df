"""Settings of endpoints and of quality, by the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import AuditEvent, User
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.cast import bearer
from tests.estimation.model import model_of

API = "/api/v1"


@pytest.fixture
def api(alice: User) -> Client:
    return bearer(alice)


def send(client: Client, method: str, path: str, body: object = None) -> Any:
    return getattr(client, method)(f"{API}{path}", body or {}, content_type="application/json")


def test_an_endpoint_is_read_changed_and_checked(api: Client, project: Project, model_server: str) -> None:
    model_of(model_server, latency_s=0.0)
    endpoint = add_endpoint(project=project, name="lab", url=model_server, model="small", api_key="sk-secret")
    path = f"/endpoints/{endpoint.pk}"
    changed = send(api, "patch", path, {"model": "big", "max_in_flight": 3})
    assert {name: changed.json()[name] for name in ("name", "model", "max_in_flight", "has_key")} == {
        "name": "lab",
        "model": "big",
        "max_in_flight": 3,
        "has_key": True,
    }
    assert b"sk-secret" not in changed.content + api.get(f"{API}{path}").content
    moved = send(api, "patch", path, {"url": "http://127.0.0.1:9/v1"})
    assert (moved.status_code, set(moved.json()["error"]["fields"])) == (400, {"api_key"})
    assert send(api, "patch", path, {"api_key": ""}).json()["has_key"] is False
    checked = send(api, "post", f"{path}/check").json()
    assert checked["checked_at"] is not None
    assert checked["check_error"] == ""
    assert send(api, "patch", path, {"timeout_s": 0}).json()["error"]["fields"].keys() == {"timeout_s"}
    assert AuditEvent.objects.filter(verb="endpoint.changed").count() == 2


def test_endpoints_of_others_and_of_the_installation_are_not_found(
    api: Client, project: Project, charlie: User
) -> None:
    theirs = add_endpoint(
        project=create_project(slug="other", owner=charlie), name="x", url="http://127.0.0.1:9/v1", model="m"
    )
    shared = Endpoint.objects.create(name="all", url="http://127.0.0.1:9/v1", model="m", for_all=True)
    for endpoint in (theirs, shared):
        path = f"/endpoints/{endpoint.pk}"
        assert {send(api, method, path).status_code for method in ("get", "patch", "delete")} == {404}
        assert send(api, "post", f"{path}/check").status_code == 404


def test_quality_rules_are_read_and_changed_one_by_one(api: Client, project: Project, mia: User) -> None:
    path = "/projects/algebra/quality-rules"
    assert api.get(f"{API}{path}").json()["rule"] == "majority"
    changed = send(
        api, "patch", path, {"rule": "processbench", "options": {"agreeing": 2, "limit": 4}, "pass_mark": 0.8}
    )
    assert (changed.status_code, changed.json()["pass_mark"], changed.json()["suspends"]) == (200, 0.8, True)
    assert send(api, "patch", path, {"reading_speed": 900}).json()["reading_speed"] == 900
    assert send(api, "patch", path, {"reading_speed": None}).json()["reading_speed"] is None
    for body in ({"pass_mark": 1.5}, {"rule": "loudest"}, {"hourly_cost": -1}, {"reading_speed": 100}):
        assert send(api, "patch", path, body).json()["error"]["fields"].keys() == body.keys()
    assert send(bearer(mia), "patch", path, {"allows_self_review": True}).status_code == 403
    assert send(api, "patch", path, {"allows_self_review": True}).json()["allows_self_review"] is True
