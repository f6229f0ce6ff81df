"""Endpoints: adding, changing and checking them, and the handling of their keys."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings

from apps.accounts.models import AuditEvent, User
from apps.core.errors import Conflict, DomainError
from apps.inference.encryption import decrypt, encrypt
from apps.inference.grants import grant_endpoint
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint, change_endpoint, check_endpoint, checked_url
from apps.projects.models import Project
from tests.cast import bearer, signed_in
from tests.inference.scripted import ReceivedRequest, Reply, Scripted, chats, completions, scripted

KEY = "sk-never-to-be-seen"


def added(project: Project | None, url: str = "http://127.0.0.1:9/v1", **more: Any) -> Endpoint:
    return add_endpoint(project=project, name=more.pop("name", "lab"), url=url, model="small", **more)


# --- keys -------------------------------------------------------------------------------------------------


def test_a_key_is_encrypted_at_rest(project: Project) -> None:
    endpoint = added(project, api_key=KEY)
    with connection.cursor() as cursor:
        cursor.execute("SELECT e::text FROM inference_endpoint e WHERE id = %s", [endpoint.pk])
        (row,) = cursor.fetchone()
    assert KEY not in row
    assert endpoint.server().api_key == KEY
    assert encrypt(KEY) != encrypt(KEY)


def test_a_key_is_of_no_use_without_the_secret_that_sealed_it(project: Project) -> None:
    endpoint = added(project, api_key=KEY)
    with override_settings(SECRET_KEY="another secret of more than thirty characters"):
        with pytest.raises(DomainError, match="Enter the key again"):
            endpoint.server()
        check_endpoint(endpoint=endpoint)
    assert "SECRET_KEY has changed" in endpoint.check_error
    with pytest.raises(DomainError):
        decrypt("not a sealed key")


def test_no_page_no_answer_of_the_api_no_log_and_no_event_shows_a_key(
    project: Project, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def script(asked: ReceivedRequest) -> Reply:
        return Reply({"error": {"message": f"Incorrect API key: {asked.headers['Authorization']}"}}, status=401)

    with scripted(script) as server:
        endpoint = added(project, server.url, api_key=KEY, created_by=alice)
        check_endpoint(endpoint=endpoint)
    assert "refuses the key" in endpoint.check_error
    assert "[key]" in caplog.text
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    alice.refresh_from_db()
    browser, api = signed_in(alice), bearer(alice)
    seen = [
        browser.get(f"/projects/{project.slug}/endpoints"),
        browser.get(f"/projects/{project.slug}/endpoints/{endpoint.pk}"),
        browser.get("/admin/inference/endpoint/"),
        browser.get(f"/admin/inference/endpoint/{endpoint.pk}/change/"),
        api.get(f"/api/v1/projects/{project.slug}/endpoints"),
    ]
    assert [answer.status_code for answer in seen] == [200] * len(seen)
    sealed = Endpoint.objects.values_list("encrypted_key", flat=True).get(pk=endpoint.pk)
    for answer in seen:
        assert KEY not in answer.content.decode()
        assert sealed not in answer.content.decode()
    assert KEY not in caplog.text
    assert KEY not in str(list(AuditEvent.objects.values()))
    assert KEY not in repr(endpoint.server())


def test_the_api_takes_a_key_and_does_not_give_it_back(project: Project, alice: User) -> None:
    body = {"name": "closed", "url": "https://api.example/v1", "model": "big", "api_key": KEY}
    answer = bearer(alice).post(f"/api/v1/projects/{project.slug}/endpoints", body, content_type="application/json")
    assert answer.status_code == 201, answer.content
    assert answer.json()["has_key"] is True
    assert KEY not in answer.content.decode()
    assert Endpoint.objects.get(name="closed").server().api_key == KEY


def test_a_key_is_not_sent_to_another_host_than_it_was_given_for(project: Project, alice: User) -> None:
    endpoint = added(project, "https://api.example/v1", api_key=KEY)
    with pytest.raises(DomainError) as caught:
        change_endpoint(endpoint=endpoint, url="https://thief.example/v1", model="small", actor=alice)
    assert "api_key" in caught.value.fields
    endpoint.refresh_from_db()
    assert endpoint.url == "https://api.example/v1"
    change_endpoint(endpoint=endpoint, url="https://api.example/v2", model="small", actor=alice)
    assert endpoint.server().api_key == KEY
    change_endpoint(endpoint=endpoint, url="https://else.example/v1", model="small", actor=alice, api_key="")
    assert not endpoint.has_key


# --- what cannot be ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://host/v1",
        "host:8080/v1",
        "http://",
        "http://me:pass@host/v1",
        "http://:pass@host/v1",
        "http://host/v1?key=1",
        "http://host/v1#x",
        "file:///etc/passwd",
    ],
)
def test_a_url_that_cannot_be_is_refused_by_its_field(url: str) -> None:
    with pytest.raises(DomainError) as caught:
        checked_url(url)
    assert "url" in caught.value.fields


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/v1/completions", "/v1/chat/completions", " /v1 "])
def test_a_url_may_be_pasted_with_its_last_part(path: str) -> None:
    assert checked_url(f"http://host:80{path}".replace(" /", "/")) == "http://host:80/v1"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"problem_template": "no place"}, "problem_template"),
        ({"stop": "text"}, "stop"),
        ({"stop": [""]}, "stop"),
        ({"price_in": "-1"}, "price_in"),
        ({"transport": "carrier pigeon"}, "transport"),
        ({"max_in_flight": -1}, "max_in_flight"),
        ({"encrypted_key": "x"}, "encrypted_key"),
    ],
)
def test_a_setting_that_cannot_be_is_named(project: Project, settings: dict[str, Any], field: str) -> None:
    with pytest.raises(DomainError) as caught:
        added(project, settings=settings)
    assert field in caught.value.fields
    assert not Endpoint.objects.exists()


def test_a_name_is_given_once_in_a_project_and_its_own_goes_before_the_one_for_all(project: Project) -> None:
    shared, own = added(None), added(project)
    grant_endpoint(endpoint=shared, projects=[project])
    assert Endpoint.objects.named("lab", project) == own
    with pytest.raises(Conflict):
        added(project)
    with pytest.raises(Conflict):
        added(None)
    own.delete()
    assert Endpoint.objects.named("lab", project) == shared
    with pytest.raises(DomainError, match="no endpoint 'other'"):
        Endpoint.objects.named("other", project)


# --- the check button -------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted(lambda _: Reply(status=500)) as found:
        yield found


def checked(project: Project, server: Scripted, **settings: Any) -> Endpoint:
    return check_endpoint(endpoint=added(project, server.url, settings=settings))


def test_the_check_finds_that_all_is_well(project: Project, server: Scripted) -> None:
    server.script = lambda _: completions("one two", "one two", usage={"completion_tokens": 16}, reason="length")
    endpoint = checked(project, server)
    assert (endpoint.check_error, endpoint.most_choices, endpoint.counts_first_only) == ("", None, False)
    assert endpoint.checked_at is not None
    (asked,) = server.asked
    assert (asked.body["n"], asked.body["max_tokens"]) == (2, 8)


def test_the_check_finds_that_only_the_first_choice_is_counted(project: Project, server: Scripted) -> None:
    server.script = lambda _: completions("one two", "one two", usage={"completion_tokens": 8}, reason="length")
    assert checked(project, server).counts_first_only is True


def test_the_check_finds_that_n_is_ignored_or_refused(project: Project, server: Scripted) -> None:
    server.script = lambda _: completions("one")
    assert checked(project, server).most_choices == 1
    Endpoint.objects.all().delete()
    server.script = lambda asked: Reply("n!", status=400) if asked.body["n"] > 1 else completions("one")
    endpoint = checked(project, server)
    assert (endpoint.most_choices, endpoint.check_error) == (1, "")


def test_the_check_finds_that_top_k_and_min_p_are_not_known(project: Project, server: Scripted) -> None:
    server.script = lambda asked: Reply("top_k?", status=400) if "top_k" in asked.body else chats("one", "two")
    endpoint = checked(project, server, transport="chat-instruct")
    assert (endpoint.sends_extras, endpoint.check_error, endpoint.most_choices) == (False, "", None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply({"error": {"message": "no such model"}}, status=404), "(404, or a redirect)"),
        (Reply("forbidden", status=403), "refuses the key"),
        (Reply("too large", status=400), "refuses the request (4xx)"),
        (Reply("<html>"), "not a completion in JSON"),
        (Reply({"choices": []}), "not a completion in JSON"),
        (Reply(cuts=True), "cannot be reached"),
        (Reply(status=500), "(5xx)"),
    ],
)
def test_the_check_says_why_an_endpoint_cannot_be_used(
    project: Project, server: Scripted, reply: Reply, message: str
) -> None:
    server.script = lambda _: reply
    endpoint = checked(project, server)
    assert message in endpoint.check_error
    server.script = lambda _: completions("one", "two")
    assert check_endpoint(endpoint=endpoint).check_error == ""


def test_a_change_makes_the_last_check_void(project: Project, server: Scripted, alice: User) -> None:
    server.script = lambda _: completions("one")
    endpoint = checked(project, server)
    change_endpoint(endpoint=endpoint, url=server.url, model="other", actor=alice)
    assert (endpoint.checked_at, endpoint.most_choices) == (None, None)


def test_the_button_checks_and_the_page_says_what_was_found(project: Project, server: Scripted, mia: User) -> None:
    server.script = lambda _: Reply({"error": {"message": "no such model"}}, status=404)
    endpoint = added(project, server.url)
    answer = signed_in(mia).post(f"/projects/{project.slug}/endpoints/{endpoint.pk}/check", follow=True)
    assert answer.status_code == 200
    shown = answer.content.decode()
    assert "no such path or model" in shown
    assert "no such model" not in shown


def test_a_stranger_presses_no_button(project: Project, server: Scripted, charlie: User) -> None:
    endpoint = added(project, server.url)
    answer = signed_in(charlie).post(f"/projects/{project.slug}/endpoints/{endpoint.pk}/check")
    assert (answer.status_code, server.asked) == (404, [])
    assert Client().post(f"/projects/{project.slug}/endpoints/{endpoint.pk}/check").status_code == 302


def test_the_real_server_is_checked_and_counts_its_first_choice(project: Project, reasoner_server: str) -> None:
    call_command("add_endpoint", "reasoner", project=project.slug, url=reasoner_server, model="reasoner", check=True)
    endpoint = Endpoint.objects.get(name="reasoner")
    assert (endpoint.check_error, endpoint.counts_first_only, endpoint.most_choices) == ("", True, None)
