"""The OpenAPI document is valid, whole, and true of what the API answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance

from annotate.wsgi import application
from apps.accounts.models import User
from apps.accounts.services import issue_token
from tests.world import World

CHECKS = [not_a_server_error, response_schema_conformance]


def test_the_document_is_valid_and_nothing_in_it_is_guessed(tmp_path: Path) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yaml"))
    assert "openapi: 3" in (tmp_path / "schema.yaml").read_text()


@pytest.fixture
def _one_connection(db: None) -> Iterator[None]:
    """Requests come in by WSGI, and must leave the test's own connection open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.usefixtures("_one_connection")
def test_no_request_is_answered_with_an_error_of_the_server(world: World, alice: User) -> None:
    """A dozen requests to each operation, most of them nonsense, and every answer as the document says."""
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema", application)
    token = issue_token(user=alice, scopes=["read", "write", "label"])[1]
    # By WSGI nobody decompresses the answers.
    headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        tried += 1

        @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def one(case: Any) -> None:
            case.call_and_validate(headers=headers, checks=CHECKS)

        one()
    assert tried > 20
