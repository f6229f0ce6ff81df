"""What tests of the API of judging share: requests, and an endpoint that nobody asks."""

from __future__ import annotations

from typing import Any

from django.test import Client

from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.judging.models import Judge
from apps.projects.models import Project

API = "/api/v1"


def post(client: Client, path: str, body: object = None) -> Any:
    return client.post(f"{API}{path}", {} if body is None else body, content_type="application/json")


def error_of(answer: Any, status: int = 400) -> dict[str, Any]:
    assert answer.status_code == status, answer.content
    error: dict[str, Any] = answer.json()["error"]
    assert {"code", "message"} <= set(error)
    return error


def add_lab(project: Project | None) -> Endpoint:
    """An endpoint at which nobody listens."""
    return add_endpoint(project=project, name="lab", url="http://127.0.0.1:9/v1", model="judge-7b")


def settings_of(judge: Judge, **others: object) -> dict[str, Any]:
    """A body for this judge."""
    assert judge.endpoint is not None
    return {"endpoint": judge.endpoint.name, "kind": judge.kind, **others}
