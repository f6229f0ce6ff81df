"""A server that is down is 503 with Retry-After, in true words, on pages and in the API: by the real web server."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.db import InterfaceError, OperationalError
from django.db.utils import ConnectionHandler
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import BusyLoadingError
from redis.exceptions import ConnectionError as RedisConnectionError

from annotate.env import database_settings
from annotate.local.servers import start_valkey, stop_valkey
from annotate.local.supervisor import free_port, web_command
from apps.accounts.models import User
from apps.accounts.services import issue_token
from apps.core.faults import fault_of
from apps.dashboard.middleware import DomainErrorMiddleware
from apps.projects.models import Project
from tests.cast import signed_in
from tests.processes import ROOT, environment, eventually, kill

NOBODY = "127.0.0.1:9"


@contextmanager
def server(**changed: str) -> Iterator[str]:
    """The web server with other addresses of its servers."""
    port = free_port()
    command = web_command(port=port, workers=1)
    with subprocess.Popen(command, cwd=ROOT, env={**environment(), **changed}, start_new_session=True) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            eventually(lambda: answer(f"{address}/healthz")[0] == 200)
            yield address
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            kill(process)


def answer(url: str, **headers: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and text."""
    try:
        with urlopen(Request(url, headers=headers), timeout=60) as found:
            return found.status, dict(found.headers), found.read().decode()
    except HTTPError as error:
        return error.code, dict(error.headers), error.read().decode()
    except OSError:
        return 0, {}, ""


def assert_unavailable(url: str, names: str, **headers: str) -> None:
    status, found, text = answer(url, **headers)
    assert status == 503, (url, status, text[:300])
    assert int(found["retry-after"]) > 0
    if "/api/" in url:
        error = json.loads(text)["error"]
        assert error["code"] == "unavailable"
        text = error["message"]
    assert names in text


@pytest.fixture
def token(transactional_db: None, alice: User, project: Project) -> str:
    return issue_token(user=alice, scopes=["read"])[1]


def test_without_a_database_the_api_says_so(token: str) -> None:
    with server(DATABASE_URL=f"postgresql://{NOBODY}/annotate") as address:
        bearer = {"Authorization": f"Bearer {token}"}
        assert_unavailable(f"{address}/api/v1/projects", "database cannot be reached", **bearer)
        assert_unavailable(f"{address}/readyz", '"database": "unreachable"')


def test_a_broker_that_stops_and_comes_back(token: str) -> None:
    with tempfile.TemporaryDirectory(prefix="annotate-own-") as folder:
        data = Path(folder) / "valkey"
        url = start_valkey(data)
        try:
            bearer = {"Authorization": f"Bearer {token}"}
            with server(REDIS_URL=url) as address:
                assert answer(f"{address}/api/v1/projects", **bearer)[0] == 200
                stop_valkey(data)
                assert_unavailable(f"{address}/api/v1/projects", "message broker cannot be reached", **bearer)
                assert_unavailable(f"{address}/readyz", '"broker": "unreachable"')
                assert answer(f"{address}/healthz")[0] == 200
                start_valkey(data)
                assert answer(f"{address}/api/v1/projects", **bearer)[0] == 200
                assert answer(f"{address}/readyz")[0] == 200
        finally:
            stop_valkey(data)


def test_a_page_says_that_the_broker_is_away(alice: User, settings: Any) -> None:
    client = signed_in(alice)
    client.raise_request_exception = False
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": f"redis://{NOBODY}/0"}}
    answer = client.get("/")
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "message broker cannot be reached" in answer.content.decode()


@pytest.mark.django_db
def test_a_page_says_that_the_database_is_away(rf: RequestFactory) -> None:
    """The very error of a connection that nobody answers, through the middleware of the pages."""
    away = ConnectionHandler({"default": database_settings(f"postgresql://{NOBODY}/annotate")})["default"]

    def view(request: HttpRequest) -> HttpResponse:
        away.ensure_connection()
        return HttpResponse()

    middleware = DomainErrorMiddleware(view)
    with pytest.raises(OperationalError) as refused:
        view(rf.get("/"))
    answer = middleware.process_exception(rf.get("/"), refused.value)
    assert answer is not None
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert "database cannot be reached" in answer.content.decode()


@pytest.mark.parametrize(
    "error", [OperationalError(), InterfaceError(), RedisConnectionError(), BusyLoadingError(), BrokerError()]
)
def test_every_way_in_which_a_server_is_away_is_an_outage(error: Exception) -> None:
    fault = fault_of(error)
    assert fault is not None
    assert (fault.status, fault.code) == (503, "unavailable")
    assert fault.retry_after_s


def test_an_error_of_ours_is_none() -> None:
    assert fault_of(ZeroDivisionError()) is None
    assert fault_of(None) is None
