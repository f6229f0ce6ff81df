"""What a labeler can read of a round: nothing of how its solutions were chosen, of gold, or of drafts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from apps.accounts.models import User
from apps.labeling.models import Round
from apps.labeling.queue.claim import claim
from apps.labeling.rounds.services import create_round, open_round
from apps.projects.models import Project
from tests.cast import bearer, html_without_tokens, make_gold, make_problem, make_solution, signed_in

API = "/api/v1/projects/algebra"
HIDDEN_KEYS = {
    "select",
    "selection",
    "gold_share",
    "is_gold",
    "is_quality_control",
    "is_correct",
    "pairs",
    "seed",
    "endpoint",
}
# Of the selection below: no answer and no page may hold it in any form.
HIDDEN_WORDS = ("wrong,first", "convincing", "gold", "Secret plan")


@pytest.fixture
def told(project: Project) -> Round:
    """A round of wrong solutions with a share of gold, and a draft."""
    for number in range(6):
        solution = make_solution(make_problem(project, reference_answer="1"), is_correct=False)
        if number < 2:
            make_gold(solution, 1, 1, -1)
    round_ = open_round(project=project, protocol="first_error", gold_share=0.25, select="wrong,first:convincing")
    create_round(project=project, protocol="every_step", name="Secret plan", select="right")
    return round_


def keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from keys_in(part)


def test_no_api_answer_reveals_it(told: Round, bob: User) -> None:
    api = bearer(bob)
    bodies = [api.get(path).content for path in ("/api/v1/projects", API, f"{API}/rounds", f"{API}/rounds/1")]
    for _ in range(4):
        taken = api.post(f"{API}/rounds/1/claim", {}, content_type="application/json").json()
        assignment = taken["assignment"]["id"]
        body = {"steps": [{"position": 0, "rating": -1}], "finish_reason": "found_error"}
        done = api.post(f"/api/v1/assignments/{assignment}/submit", body, content_type="application/json")
        assert done.status_code == 200
        bodies += [json.dumps(taken).encode(), done.content, api.get(f"/api/v1/assignments/{assignment}").content]
    for body in bodies:
        assert not HIDDEN_KEYS & set(keys_in(json.loads(body)))
        assert not [word for word in HIDDEN_WORDS if word in body.decode()]


@pytest.mark.parametrize("path", ["", "rounds", "rounds/1", "rounds/1/label", "work", "overview/rounds"])
def test_no_page_reveals_it(told: Round, bob: User, path: str) -> None:
    claim(round=told, labeler=bob)
    client = signed_in(bob)
    for address in (f"/projects/algebra/{path}", "/"):
        page = client.get(address)
        assert page.status_code == 200
        assert not [word for word in HIDDEN_WORDS if word in html_without_tokens(page)]


def test_only_managers_see_drafts(told: Round, bob: User, rita: User, mia: User) -> None:
    for user, status, numbers in ((bob, 404, [1]), (rita, 404, [1]), (mia, 200, [1, 2])):
        api = bearer(user)
        assert [one["number"] for one in api.get(f"{API}/rounds").json()["results"]] == numbers
        assert api.get(f"{API}/rounds/2").status_code == status
        assert signed_in(user).get("/projects/algebra/rounds/2").status_code == status
        claimed = api.post(f"{API}/rounds/2/claim", {}, content_type="application/json")
        assert claimed.status_code == status
        if status == 200:
            assert claimed.json()["reason"] == "round_draft"


def test_reviewers_and_managers_see_it(told: Round, rita: User, mia: User) -> None:
    for user in (rita, mia):
        seen = bearer(user).get(f"{API}/rounds/1").json()
        assert (seen["select"], seen["gold_share"]) == ("wrong,first:convincing", 0.25)
        page = signed_in(user).get("/projects/algebra/rounds/1").content.decode()
        assert "wrong,first:convincing" in page


@pytest.mark.parametrize(
    ("protocol", "options", "shown"),
    [
        ("comparison", {"pairs": "right_wrong", "seed": 7}, {"ties": True, "rationale": "optional"}),
        ("branching", {"writes": False, "candidates": 3}, {"writes": False}),
        ("first_error", {"critiques": True}, {"alternatives": False, "progress": False, "critiques": True}),
        ("every_step", {}, {}),
    ],
)
def test_labelers_see_the_options_that_shape_their_work(
    project: Project, bob: User, mia: User, protocol: str, options: dict[str, Any], shown: dict[str, Any]
) -> None:
    problem = make_problem(project, reference_answer="1")
    for is_correct in (True, False):
        make_solution(problem, [f"It is {is_correct}."], is_correct=is_correct)
    open_round(project=project, protocol=protocol, options=options)
    assert bearer(bob).get(f"{API}/rounds/1").json()["options"] == shown
    assert bearer(bob).get(f"{API}/rounds").json()["results"][0]["options"] == shown
    assert set(options) <= set(bearer(mia).get(f"{API}/rounds/1").json()["options"])
    client = signed_in(bob)
    for path in ("rounds/1", "rounds/1/label"):
        page = html_without_tokens(client.get(f"/projects/algebra/{path}"))
        assert not [word for word in ("right_wrong", "candidates <b>", "seed") if word in page]
