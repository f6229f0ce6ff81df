"""The requests that others rely on, and what each answers."""

from __future__ import annotations

import hashlib
import json
from io import BytesIO
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.corpus.imports.run import run_import
from apps.exports.run import run_export
from apps.labeling.models import Assignment, Round
from apps.projects.models import Project
from tests.cast import bearer, make_problem, make_round, make_solution
from tests.corpus.rows import VALID
from tests.world import World

API = "/api/v1"


def post(client: Client, path: str, body: object = None, *, put: bool = False) -> Any:
    send = client.put if put else client.post
    return send(f"{API}{path}", body if body is not None else {}, content_type="application/json")


@pytest.fixture
def api(alice: User) -> Client:
    return bearer(alice)


def test_health_needs_no_token(db: None) -> None:
    assert Client().get(f"{API}/healthz").status_code == 200
    answer = Client().get(f"{API}/readyz").json()
    assert answer["checks"] == {"database": "ok", "broker": "ok", "migrations": "ok"}


def test_a_project_is_made_and_found(api: Client, alice: User) -> None:
    made = post(api, "/projects", {"slug": "fractions", "name": "Fractions"})
    assert made.status_code == 201
    assert api.get(f"{API}/projects/fractions").json()["name"] == "Fractions"
    again = post(api, "/projects", {"slug": "fractions", "name": "Fractions"})
    assert again.status_code in {400, 409, 422}
    assert set(again.json()) == {"error"}
    assert {"code", "message"} <= set(again.json()["error"])


def test_errors_have_one_shape(api: Client, project: Project) -> None:
    wrong = post(api, f"/projects/{project.slug}/rounds", {"protocol": "guess", "redundancy": 0})
    assert wrong.status_code in {400, 422}
    assert set(wrong.json()["error"]["fields"]) == {"protocol", "redundancy"}
    lost = api.get(f"{API}/no/such/route")
    assert (lost.status_code, set(lost.json())) == (404, {"error"})
    assert api.get("/no/such/page")["Content-Type"].startswith("text/html")
    assert set(api.get(f"{API}/projects/none").json()) == {"error"}
    broken = api.post(f"{API}/projects", b"{", content_type="application/json")
    assert (broken.status_code, set(broken.json())) == (400, {"error"})
    assert api.put(f"{API}/projects/{project.slug}").status_code == 405


def test_a_file_goes_in(api: Client, project: Project, django_capture_on_commit_callbacks: Any) -> None:
    content = json.dumps(VALID["jsonl"]).encode() + b'\n{"problem": {}}\n'
    file = BytesIO(content)
    file.name = "rows.jsonl"
    taken = api.post(f"{API}/projects/{project.slug}/imports", {"file": file, "format": "jsonl"})
    assert taken.status_code == 202
    assert set(taken.json()) == {"id", "status"}
    run_import(batch_id=taken.json()["id"])
    found = api.get(f"{API}/imports/{taken.json()['id']}").json()
    counts = {name: found[name] for name in ("status", "rows", "problems", "solutions", "steps", "labels", "rejected")}
    assert counts == {
        "status": "finished",
        "rows": 2,
        "problems": 1,
        "solutions": 1,
        "steps": 2,
        "labels": 8,
        "rejected": 1,
    }
    (rejected,) = found["rejected_rows"]
    assert (rejected["line"], rejected["field"]) == (2, "problem.statement")


# More than a page holds.
LISTED = 120


@pytest.mark.parametrize("kind", ["problems", "solutions", "step-labels", "estimates", "verdicts"])
def test_lists_come_in_pages_and_as_a_stream(api: Client, project: Project, alice: User, kind: str) -> None:
    from django.core.files.base import ContentFile

    from apps.corpus.services import create_import

    rows = []
    for number in range(LISTED):
        row = json.loads(json.dumps(VALID["jsonl"]))
        row["problem"]["statement"] = f"What is {number}?"
        rows.append(json.dumps(row))
    file = ContentFile("\n".join(rows).encode())
    batch = create_import(project=project, file=file, filename="r.jsonl", format="jsonl", uploaded_by=alice)
    run_import(batch_id=batch.pk)
    path = f"{API}/projects/{project.slug}/{kind}"
    pages, url = [], path
    while url:
        page = api.get(url).json()
        assert set(page) == {"results", "next"}
        pages.append(page["results"])
        url = page["next"]
    assert len(pages) > 1
    listed = [row for page in pages for row in page]
    stream = api.get(path, headers={"Accept": "application/x-ndjson"})
    streamed = [json.loads(line) for line in b"".join(stream).splitlines()]
    assert sorted(streamed, key=json.dumps) == sorted(listed, key=json.dumps)
    assert len(streamed) >= LISTED


def test_a_turn_from_claim_to_submission(world: World, bob: User) -> None:
    project = world.project
    make_solution(make_problem(project, "What is 2 + 2?", reference_answer="4"), ["Two and two.", "Four."])
    round_ = make_round(project, select="unlabeled")
    client = bearer(bob)
    claimed = post(client, f"/projects/{project.slug}/rounds/{round_.number}/claim").json()
    assignment = claimed["assignment"]
    assert {"id", "leased_until", "task", "problem", "steps"} <= set(assignment)
    assert assignment["problem"]["statement"] == "What is 2 + 2?"
    assert assignment["problem"]["reference_answer"] == "4"
    assert assignment["steps"][1]["position"] == 1
    assert assignment["steps"][1]["candidates"][0]["text"] == "Four."
    held = post(client, f"/projects/{project.slug}/rounds/{round_.number}/claim").json()
    assert held["assignment"]["id"] == assignment["id"], "asking again gives the same"

    path = f"/assignments/{assignment['id']}"
    assert post(client, f"{path}/renew").json()["leased_until"] >= assignment["leased_until"]
    steps = [{"position": 0, "candidate": 0, "rating": 1}]
    assert post(client, f"{path}/draft", {"version": 0, "steps": steps}, put=True).json() == {"version": 1}
    stale = post(client, f"{path}/draft", {"version": 0, "steps": []}, put=True)
    assert stale.status_code == 409
    assert stale.json()["draft"]["version"] == 1
    assert stale.json()["draft"]["steps"][0]["rating"] == 1

    short = post(client, f"{path}/submit", {"steps": steps, "finish_reason": "solution", "active_ms": 10})
    assert short.status_code == 422
    assert short.json()["error"]["fields"]
    whole = {
        "steps": [*steps, {"position": 1, "candidate": 0, "rating": -1, "unsure": False, "chosen": False}],
        "finish_reason": "found_error",
        "active_ms": 10,
    }
    assert post(client, f"{path}/submit", whole).status_code == 200
    assert post(client, f"{path}/submit", whole).status_code == 200
    assert Assignment.objects.filter(pk=assignment["id"], state="submitted").count() == 1
    other = post(client, f"{path}/submit", whole | {"steps": [{"position": 0, "rating": -1}]})
    assert other.status_code == 409
    nothing = post(client, f"/projects/{project.slug}/rounds/{round_.number}/claim").json()
    assert nothing["assignment"] is None
    assert nothing["reason"] == "all_done"
    assert nothing["message"]


def test_a_released_task_is_free_again(world: World, bob: User, rita: User) -> None:
    make_solution(make_problem(world.project))
    round_ = make_round(world.project, select="unlabeled")
    path = f"/projects/{world.project.slug}/rounds/{round_.number}/claim"
    assignment = post(bearer(bob), path).json()["assignment"]
    waiting = post(bearer(rita), path).json()
    assert (waiting["assignment"], waiting["reason"]) == (None, "all_leased")
    assert post(bearer(bob), f"/assignments/{assignment['id']}/release").status_code == 204
    assert post(bearer(rita), path).json()["assignment"]["task"] == assignment["task"]


def test_the_reference_answer_is_shown_only_where_the_round_says_so(world: World, bob: User) -> None:
    make_solution(make_problem(world.project, reference_answer="7"))
    round_ = make_round(world.project, select="unlabeled", show_reference=False)
    claimed = post(bearer(bob), f"/projects/{world.project.slug}/rounds/{round_.number}/claim").json()
    assert "reference_answer" not in claimed["assignment"]["problem"]
    assert "is_correct" not in json.dumps(claimed)


def test_rounds_open_pause_and_close(api: Client, project: Project) -> None:
    make_solution(make_problem(project))
    opened = post(api, f"/projects/{project.slug}/rounds", {"protocol": "first_error", "redundancy": 2})
    assert (opened.status_code, opened.json()) == (201, {"number": 1, "tasks": 1})
    for verb, status in (("pause", "paused"), ("open", "open"), ("close", "closed")):
        assert post(api, f"/projects/{project.slug}/rounds/1/{verb}").json()["status"] == status
    assert Round.objects.get(project=project).closed_at is not None


def test_an_export_is_made_told_and_downloaded_in_parts(world: World, api: Client, bob: User) -> None:
    taken = post(api, f"/projects/{world.project.slug}/exports", {"format": "trl-prm", "policy": {}})
    assert taken.status_code == 202
    pk = taken.json()["id"]
    early = api.get(f"{API}/exports/{pk}/download")
    assert (early.status_code, set(early.json())) == (404, {"error"})
    run_export(export_id=pk)
    told = api.get(f"{API}/exports/{pk}").json()
    assert told["status"] == "finished"
    whole = api.get(f"{API}/exports/{pk}/download")
    content = b"".join(whole)
    assert (len(content), hashlib.sha256(content).hexdigest()) == (told["bytes"], told["sha256"])
    part = api.get(f"{API}/exports/{pk}/download", headers={"Range": "bytes=10-19"})
    assert (part.status_code, b"".join(part)) == (206, content[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(content)}"
    beyond = api.get(f"{API}/exports/{pk}/download", headers={"Range": f"bytes={len(content)}-"})
    assert beyond.status_code == 416
    wrong = post(
        api, f"/projects/{world.project.slug}/exports", {"format": "trl-prm", "policy": {"neutral": "own_class"}}
    )
    assert wrong.status_code in {400, 422}
    assert "neutral" in json.dumps(wrong.json()["error"]["fields"])


def test_labels_name_people_by_pseudonym(world: World, api: Client, bob: User) -> None:
    listed = api.get(f"{API}/projects/{world.project.slug}/step-labels").json()["results"]
    assert listed
    assert bob.email not in json.dumps(listed)
    assert world.bobs.pseudonym in json.dumps(listed)


def test_filters_and_wrong_filters(world: World, api: Client) -> None:
    path = f"{API}/projects/{world.project.slug}/solutions"
    assert len(api.get(f"{path}?is_correct=true").json()["results"]) == 1
    assert api.get(f"{path}?is_correct=false").json()["results"] == []
    assert [row["verdict"] for row in api.get(f"{path}?verdict=match").json()["results"]] == ["match"]
    assert api.get(f"{path}?verdict=no_match").json()["results"] == []
    assert api.get(f"{path}?cursor=nonsense").status_code in {400, 404}
    # A filter that is not understood would otherwise answer with everything.
    for wrong, field in (("is_correct=maybe", "is_correct"), ("corect=true", "corect")):
        answer = api.get(f"{path}?{wrong}")
        assert (answer.status_code, set(answer.json()["error"]["fields"])) == (400, {field})
    labels = api.get(f"{API}/projects/{world.project.slug}/step-labels?round=one")
    assert (labels.status_code, set(labels.json()["error"]["fields"])) == (400, {"round"})


@pytest.mark.parametrize("name", ["disputes", "reports"])
def test_an_unknown_filter_of_a_review_list_is_an_error(world: World, api: Client, name: str) -> None:
    path = f"{API}/projects/{world.project.slug}/{name}"
    assert api.get(f"{path}?round={world.round.number}&page_size=5").status_code == 200
    wrong = api.get(f"{path}?rounds=1")
    assert (wrong.status_code, set(wrong.json()["error"]["fields"])) == (400, {"rounds"})
    assert "round" in wrong.json()["error"]["fields"]["rounds"].partition("Filters are")[2]


def test_a_wrong_item_of_a_list_is_named_with_its_place(world: World, bob: User) -> None:
    api = bearer(bob)
    make_solution(make_problem(world.project))
    round_ = make_round(world.project)
    assignment = post(api, f"/projects/{world.project.slug}/rounds/{round_.number}/claim").json()["assignment"]
    steps = [{"position": 0, "rating": 1}, {"position": 1, "rating": 7}]
    answer = post(api, f"/assignments/{assignment['id']}/draft", {"version": 0, "steps": steps}, put=True)
    assert set(answer.json()["error"]["fields"]) == {"steps[1].rating"}


def test_an_error_that_nobody_foresaw_has_the_same_shape(api: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.api.projects.projects.ProjectList.get", lambda *_: 1 / 0)
    api.raise_request_exception = False
    answer = api.get(f"{API}/projects")
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "server_error")
