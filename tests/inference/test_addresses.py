"""Allowed addresses of endpoints: the public internet and the operator's. Requests go to harmless ones only."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from io import StringIO
from ipaddress import ip_address
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotate.env import read
from apps.accounts.models import User
from apps.core.errors import DomainError
from apps.estimation.runs.services import start_run
from apps.inference.addresses import AddressGuard, AddressRefused, is_public, parse_allowed
from apps.inference.client import Client
from apps.inference.errors import AddressNotAllowed, NotServed
from apps.inference.grants import grant_endpoint, revoke_endpoint, share_endpoint
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint, change_endpoint, check_endpoint
from apps.inference.types import CompletionPrompt, SamplingParameters, Server
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.cast import bearer, make_problem, make_solution
from tests.inference.scripted import Reply, Scripted, completions, scripted

INWARD = [
    "127.0.0.1",
    "127.9.9.9",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",  # noqa: S104
    "255.255.255.255",
    "224.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fc00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:db8::1",
    "::127.0.0.1",
    # Site-local and its neighbours, translation within a network, tunnels, protocols' own, benchmarking, documentation.
    "fec0::1",
    "feff::1",
    "fe00::1",
    "fd00::1",
    "febf::1",
    "64:ff9b:1::808:808",
    "::ffff:0:8.8.8.8",
    "64:ff9b::a00:1",
    "2002:a00:1::",
    "2002:c0a8:1::",
    "192.88.99.1",
    "192.0.0.9",
    "2001:1::1",
    "2001:2::1",
    "2001:10::1",
    "2001:20::1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.1",
    "3fff::1",
    "5f00::1",
    "100::1",
    "4000::1",
    "240.0.0.1",
    "2001::ffff:ffff:80ff:fffe",
]


@pytest.mark.parametrize("address", INWARD)
def test_what_is_not_the_public_internet(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::808:808", "2002:808:808::", "2400::1"],
)
def test_what_is(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    ("host", "allowed", "address", "port", "is_allowed"),
    [
        ("h", ["127.0.0.1"], "127.0.0.1", 9, True),
        ("h", ["127.0.0.1:8080"], "127.0.0.1", 8080, True),
        ("h", ["127.0.0.1:8080"], "127.0.0.1", 8081, False),
        ("h", ["127.0.0.1"], "::ffff:127.0.0.1", 9, True),
        ("h", ["10.0.0.0/8"], "10.200.0.1", 9, True),
        ("h", [], "11.0.0.1", 9, True),
        ("h", ["10.0.0.0/8"], "192.168.0.1", 9, False),
        ("[::1]", ["[::1]:80"], "::1", 80, True),
        ("models.internal", ["models.internal"], "10.0.0.1", 9, True),
        ("other.internal", ["models.internal"], "10.0.0.1", 9, False),
        ("models.internal", ["models.internal:80"], "10.0.0.1", 9, False),
        ("h", [], "10.0.0.1", 9, False),
        ("vllm_server", ["vllm_server"], "10.0.0.1", 9, True),
        ("lab.vllm_server", ["lab.vllm_server:9"], "10.0.0.1", 9, True),
        ("_x", ["vllm_server"], "10.0.0.1", 9, False),
    ],
)
def test_the_operators_list(host: str, allowed: list[str], address: str, port: int, is_allowed: bool) -> None:
    guard = AddressGuard(f"http://{host}:{port}/v1", allowed)
    if is_allowed:
        guard.check(address, port)
    else:
        with pytest.raises(AddressRefused):
            guard.check(address, port)
    assert guard.refused is not is_allowed


@pytest.mark.parametrize(
    "entry", ["", "10.0.0.0/99", "host:0", "host:99999", "http://host", "1.2.3", "a b", "[::1", "_", "2130706433"]
)
def test_an_entry_that_is_none_is_named(entry: str) -> None:
    with pytest.raises(ValueError, match=r"address|port"):
        parse_allowed(entry)
    with pytest.raises(ValueError, match="ENDPOINT_ALLOWED_ADDRESSES"):
        read({"endpoint_allowed_addresses": f"127.0.0.1,{entry or 'a b'}"})


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0",
        "LOCALHOST",
        "127.0.0.1.",
        "x.localhost",
    ],
)
def test_every_spelling_of_an_inward_address_is_refused_at_the_form(project: Project, settings: Any, host: str) -> None:
    settings.ENDPOINT_ALLOWED_ADDRESSES = []
    with pytest.raises(DomainError) as caught:
        add_endpoint(name="inward", url=f"http://{host}:8080/v1", model="m", project=project)
    assert caught.value.code == "address_not_allowed"
    assert "ENDPOINT_ALLOWED_ADDRESSES" in caught.value.message
    assert not Endpoint.objects.exists()


# --- when connecting --------------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted(lambda _: completions("one", "two")) as found:
        yield found


def complete(url: str, allowed: tuple[str, ...]) -> None:
    async def ask() -> None:
        async with Client(Server(url, "m", allowed_addresses=allowed), attempts=1) as client:
            await client.complete(CompletionPrompt("1 + 1?"), SamplingParameters(), n=2)

    asyncio.run(ask())


def test_a_name_is_checked_by_its_address_when_connecting(server: Scripted) -> None:
    """The name of this machine resolves to an address outside the public internet."""
    by_name = server.url.replace("127.0.0.1", "localhost")
    for url in (server.url, by_name):
        with pytest.raises(AddressNotAllowed, match="ENDPOINT_ALLOWED_ADDRESSES"):
            complete(url, ())
    assert server.asked == []
    complete(by_name, ("127.0.0.1", "::1"))
    assert len(server.asked) == 1


def test_what_a_name_meant_before_does_not_matter(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolved to a public address when the URL was entered, and to a private one when connecting."""
    port = int(server.url.rpartition(":")[2].partition("/")[0])

    def rebound(host: str, port: int | None, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebound)
    with pytest.raises(AddressNotAllowed):
        complete(f"http://models.example:{port}/v1", ())
    assert server.asked == []


def test_a_redirect_is_not_followed(server: Scripted) -> None:
    redirect = Reply(status=302, headers={"Location": f"{server.url}/completions"})
    with scripted(lambda _: redirect) as first, pytest.raises(NotServed, match="302"):
        complete(first.url, ("127.0.0.1",))
    assert server.asked == []


@pytest.mark.slow
def test_a_failed_check_repeats_nothing_of_the_answer(project: Project, server: Scripted) -> None:
    endpoint = add_endpoint(name="inner", url=server.url, model="m", project=project)
    for status in (200, 400, 401, 404, 500):
        server.script = lambda _, status=status: Reply("the secret of an inner service", status=status)
        error = check_endpoint(endpoint=endpoint).check_error
        assert error
        assert "secret" not in error


def test_a_check_of_an_address_that_is_no_longer_allowed(project: Project, server: Scripted, settings: Any) -> None:
    endpoint = add_endpoint(name="inner", url=server.url, model="m", project=project)
    settings.ENDPOINT_ALLOWED_ADDRESSES = []
    assert "ENDPOINT_ALLOWED_ADDRESSES" in check_endpoint(endpoint=endpoint).check_error
    assert server.asked == []


# --- what the operator names ------------------------------------------------------------------------------


def command(name: str, *args: Any, **options: Any) -> None:
    call_command(name, *args, stdout=StringIO(), **options)


def test_the_operator_at_the_shell_vouches_for_an_address_until_the_url_changes(
    project: Project, alice: User, server: Scripted, settings: Any
) -> None:
    settings.ENDPOINT_ALLOWED_ADDRESSES = []
    command("add_endpoint", "lab", project=project.slug, url=server.url, model="m", check=True)
    endpoint = Endpoint.objects.get(name="lab")
    assert endpoint.check_error == ""
    change_endpoint(endpoint=endpoint, url=f"{server.url}/deeper", model="m", actor=alice)
    with pytest.raises(DomainError):
        change_endpoint(endpoint=endpoint, url="http://127.0.0.1:1/v1", model="m", actor=alice)
    change_endpoint(endpoint=endpoint, url="https://models.example/v1", model="m", actor=alice)
    with pytest.raises(DomainError):
        change_endpoint(endpoint=endpoint, url=server.url, model="m", actor=alice)


@pytest.mark.parametrize(
    "host", ["vllm_server", "2130706433", "0x7f000001", "127.1", "models.internal.", "[::1]", "[::ffff:127.0.0.1]"]
)
def test_whatever_host_the_operator_names_may_be_asked(project: Project, settings: Any, host: str) -> None:
    settings.ENDPOINT_ALLOWED_ADDRESSES = []
    command("add_endpoint", "lab", project=project.slug, url=f"http://{host}:8080/v1", model="m")
    endpoint = Endpoint.objects.get(name="lab")
    assert endpoint.is_vouched
    Client(endpoint.server())
    guard = endpoint.guard()
    guard.check_literal()
    guard.check("127.0.0.1", 8080)
    with pytest.raises(AddressRefused):
        guard.check("127.0.0.1", 8081)


@pytest.mark.slow
def test_a_number_for_a_host_ends_in_a_sentence(project: Project, server: Scripted, settings: Any) -> None:
    """The HTTP client takes an IPv4 address in its usual spelling only."""
    settings.ENDPOINT_ALLOWED_ADDRESSES = []
    url = server.url.replace("127.0.0.1", "2130706433")
    endpoint = add_endpoint(name="lab", url=url, model="m", project=project, is_vouched=True)
    assert "cannot be reached" in check_endpoint(endpoint=endpoint).check_error
    assert server.asked == []


def test_a_setting_that_cannot_be_read_is_named_wherever_it_is_met(
    project: Project, server: Scripted, settings: Any
) -> None:
    endpoint = add_endpoint(name="lab", url=server.url, model="m", project=project)
    settings.ENDPOINT_ALLOWED_ADDRESSES = ["10.0.0.0/99"]
    with pytest.raises(DomainError, match=r"ENDPOINT_ALLOWED_ADDRESSES.*10\.0\.0\.0/99"):
        add_endpoint(name="other", url=server.url, model="m", project=project)
    assert "ENDPOINT_ALLOWED_ADDRESSES" in check_endpoint(endpoint=endpoint).check_error


@pytest.mark.parametrize("url", ["http://h:99999/v1", "http://h:x/v1", "http://[::1/v1", "http://[no]/v1"])
def test_a_url_that_cannot_be_read_is_refused(project: Project, alice: User, url: str) -> None:
    with pytest.raises(DomainError) as caught:
        add_endpoint(name="lab", url=url, model="m", project=project, is_vouched=True)
    assert caught.value.fields == {"url": "not a base URL"}
    endpoint = add_endpoint(name="lab", url="https://models.example/v1", model="m", project=project)
    with pytest.raises(DomainError):
        change_endpoint(endpoint=endpoint, url=url, model="m", actor=alice)


def test_endpoints_of_the_installation_are_granted_by_name(project: Project, alice: User) -> None:
    shared = add_endpoint(name="lab", url="https://models.example/v1", model="m")
    make_solution(make_problem(project, reference_answer="2"), is_correct=False)
    body = {"endpoint": "lab", "strategy": "math-shepherd"}
    client = bearer(alice)

    def status() -> int:
        url = f"/api/v1/projects/{project.slug}/estimation-runs"
        return client.post(url, body, content_type="application/json").status_code

    assert status() == 400
    assert client.get(f"/api/v1/projects/{project.slug}/endpoints").json()["results"] == []
    with pytest.raises(DomainError, match="not granted"):
        start_run(project=project, endpoint=shared, strategy="math-shepherd")
    grant_endpoint(endpoint=shared, projects=[project])
    assert status() == 201
    other = create_project(slug="geometry", name="Geometry", owner=alice)
    assert not shared.is_usable_in(other)
    share_endpoint(endpoint=shared, with_all=True)
    assert shared.is_usable_in(other)
    share_endpoint(endpoint=shared, with_all=False)
    revoke_endpoint(endpoint=shared, projects=[project])
    assert status() == 400


def test_at_the_shell_naming_both_is_the_grant(project: Project, alice: User) -> None:
    command("add_endpoint", "lab", url="https://models.example/v1", model="m")
    lab = Endpoint.objects.get(name="lab")
    assert lab.is_usable_in(project), "it was there when the operator added the endpoint"
    later = create_project(slug="geometry", name="Geometry", owner=alice)
    assert not lab.is_usable_in(later)
    make_solution(make_problem(later, reference_answer="2"), is_correct=False)
    command("estimate", project="geometry", endpoint="lab", strategy="math-shepherd")
    assert lab.is_usable_in(later)
    command("grant_endpoint", "lab", project=["geometry"], revoke=True)
    assert not lab.is_usable_in(later)
    command("grant_endpoint", "lab", all=True)
    assert lab.is_usable_in(later)
    with pytest.raises(CommandError, match="no endpoint 'nobody'"):
        command("grant_endpoint", "nobody", all=True)
    with pytest.raises(CommandError, match="--project"):
        command("grant_endpoint", "lab")
