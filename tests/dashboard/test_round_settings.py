"""The settings of a protocol, by the form and by command."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError
from django.urls import reverse

from apps.accounts.models import User
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.labeling.models import Round
from apps.projects.models import Project
from tests.cast import make_problem, make_solution, signed_in
from tests.flows.test_real_files import command

BASE = {"redundancy": 1, "gold_percent": 0, "lease_minutes": 20, "kind": "work", "show_reference": "on"}


@pytest.fixture
def ready(project: Project) -> Project:
    make_solution(make_problem(project, reference_answer="42"))
    add_endpoint(project=project, name="lab", url="http://127.0.0.1:9/v1", model="small")
    return project


def drafted(project: Project, user: User, **fields: Any) -> Round | None:
    signed_in(user).post(reverse("round-new", args=[project.slug]), BASE | fields)
    return Round.objects.filter(project=project).first()


def test_the_form_sets_what_the_chosen_protocol_has_and_leaves_the_rest_aside(ready: Project, mia: User) -> None:
    round_ = drafted(
        ready,
        mia,
        protocol="branching",
        endpoint=Endpoint.objects.get(name="lab").pk,
        candidates=6,
        starts_from="problems",
        progress="on",
    )
    assert round_ is not None
    assert round_.endpoint is not None
    assert round_.endpoint.name == "lab"
    assert round_.options == {
        "candidates": 6,
        "temperature": 1.0,
        "max_tokens": 256,
        "writes": False,
        "starts_from": "problems",
    }


def test_the_form_asks_for_what_follows_the_error(ready: Project, mia: User) -> None:
    round_ = drafted(ready, mia, protocol="first_error", alternatives="on", critiques="on", writes="on")
    assert round_ is not None
    assert (round_.endpoint, round_.options["alternatives"], round_.options["progress"]) == (None, True, False)


@pytest.mark.parametrize("fields", [{"candidates": 9}, {"endpoint": "nobody"}, {"temperature": 3}])
def test_the_form_refuses_what_is_out_of_bounds(ready: Project, mia: User, fields: dict[str, Any]) -> None:
    assert drafted(ready, mia, protocol="branching", **fields) is None


def test_the_command_takes_settings_as_key_and_value(ready: Project) -> None:
    command(
        "open_round",
        project=ready.slug,
        protocol="branching",
        endpoint="lab",
        options=["candidates=2", "writes=false", "starts_from=problems"],
    )
    (round_,) = Round.objects.filter(project=ready)
    assert (round_.options["candidates"], round_.options["writes"]) == (2, False)
    assert round_.options["starts_from"] == "problems"
    with pytest.raises(CommandError):
        command("open_round", project=ready.slug, protocol="branching", options=["candidates"])
    with pytest.raises(CommandError):
        command("open_round", project=ready.slug, protocol="branching", options=["candidates=many"])


def test_the_form_counts_problems_where_the_round_starts_from_them(project: Project, mia: User) -> None:
    url, client = reverse("round-size", args=[project.slug]), signed_in(mia)
    from_problems = {"protocol": "branching", "starts_from": "problems"}
    assert b"no solutions yet" in client.get(url, from_problems).content
    make_problem(project)
    make_problem(project)
    assert b"2 problems" in client.get(url, from_problems).content
    assert b"no solutions yet" in client.get(url, {"protocol": "branching", "starts_from": "solutions"}).content
    assert client.get(url, {**from_problems, "answer": "wrong"}).status_code == 200
