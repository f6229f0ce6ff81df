"""No 500 for what is the client's fault: every route of the API and every page, with what nobody should send."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver
from drf_spectacular.generators import SchemaGenerator

from apps.accounts.models import User
from apps.accounts.services import issue_token
from apps.labeling.models import Assignment
from apps.labeling.queue.claim import claim
from tests.cast import make_round
from tests.world import World

NUL, HALF = "a\x00b", "a\ud800b"
HOSTILE: list[Any] = [
    NUL,
    HALF,
    10**30,
    -(10**30),
    2**31,
    -(2**31) - 1,
    2**63 - 1,
    1e308,
    "9" * 5000,
    "²",
    "",
    [],
    {},
    [[]],
    None,
    True,
    -1,
    {"a": NUL},
    [HALF],
    {NUL: 1},
    "x" * 30_000,
    0.5,
]
TEXTS = [NUL, "²", "9" * 5000, "-1", "9" * 19, "1.5"]


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.fixture
def asked(world: World, alice: User) -> Client:
    token = issue_token(user=alice, scopes=["read", "write", "label"])[1]
    return Client(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})


def error_of(answer: Any) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    return error


# --- bodies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (json.dumps({"policy": {"note": NUL}, "format": "annotate"}), "policy.note"),
        (json.dumps({"policy": {"a": [1, HALF]}, "format": "annotate"}), "policy.a[1]"),
        (json.dumps({"policy": {NUL: 1}, "format": "annotate"}), "policy"),
        ('{"policy": {"a": 1e999}}', "policy.a"),
        (json.dumps({"policy": {"a": 10**30}}), "policy.a"),
        ('{"policy": {"a": NaN}}', "body"),
        ('{"policy": ' + "9" * 5000 + "}", "body"),
        ('{"policy": ' + deep(100) + "}", "policy"),
        ('{"policy": ' + deep(200_000) + "}", "body"),
        ("[]", "body"),
        ("null", "body"),
        ('"text"', "body"),
        ("{", "body"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_with_the_place(
    asked: Client, world: World, body: str, field: str
) -> None:
    answer = asked.post("/api/v1/projects/algebra/exports", body, content_type="application/json")
    assert answer.status_code == 400
    (found,) = error_of(answer)["fields"]
    assert found == field or found.startswith(f"{field}[")
    assert world.project.exports.count() == 1


def test_bytes_that_are_no_utf8_and_charsets_other_than_utf8_are_refused(asked: Client) -> None:
    url = "/api/v1/projects/algebra/exports"
    assert asked.generic("POST", url, b'{"format": "\xff"}', content_type="application/json").status_code == 400
    for charset in ("latin-1", "base64", "utf-16", "rot13"):
        answer = asked.generic("POST", url, b"{}", content_type=f"application/json; charset={charset}")
        assert answer.status_code == 415, charset
        assert charset in error_of(answer)["message"]
    assert asked.generic("POST", url, b"{}", content_type="text/csv").status_code == 415
    for kind in ("multipart/form-data", "multipart/form-data; boundary=y"):
        assert asked.generic("POST", url, b"format=annotate", content_type=kind).status_code == 400


def test_a_body_larger_than_is_read_is_refused(asked: Client, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    url = "/api/v1/projects/algebra/exports"
    for kind, body in (
        ("application/json", b'{"a": "%s"}' % (b"x" * 2000)),
        ("application/x-www-form-urlencoded", b"a=" + b"x" * 2000),
    ):
        answer = asked.post(url, body, content_type=kind)
        assert answer.status_code == 413
        assert error_of(answer)["code"] == "too_large"


@pytest.mark.parametrize("options", [deep(200_000), deep(100), '{"a": "\\u0000"}', "[1]", "{", '{"a": 1e999}'])
def test_json_in_a_field_of_a_form_is_read_by_the_same_rule(asked: Client, world: World, options: str) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    data = {"file": SimpleUploadedFile("a.jsonl", b"{}\n"), "format": "jsonl", "options": options}
    answer = asked.post("/api/v1/projects/algebra/imports", data)
    assert answer.status_code == 400
    assert list(error_of(answer)["fields"]) == ["options"]


# --- addresses --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("position", ["abc", "1.5", "²", NUL, "9" * 400, "-1", "2020-01-01"])
def test_a_cursor_that_no_page_gave_is_refused(asked: Client, position: str) -> None:
    from urllib.parse import urlencode

    cursor = base64.b64encode(urlencode({"p": position}).encode()).decode()
    for route in (
        "problems",
        "solutions",
        "step-labels",
        "estimates",
        "rounds",
        "disputes",
        "estimation-runs",
        "judge-runs",
        "judges",
    ):
        answer = asked.get(f"/api/v1/projects/algebra/{route}", {"cursor": cursor})
        assert answer.status_code == 400, route
        assert list(error_of(answer)["fields"]) == ["cursor"]


@pytest.mark.parametrize("cursor", ["", "x", "é", "AAAA", "=" * 40])
def test_a_cursor_that_is_none_is_no_error_of_the_server(asked: Client, cursor: str) -> None:
    assert asked.get("/api/v1/projects/algebra/problems", {"cursor": cursor}).status_code in (200, 400)


def test_parts_and_ranges_of_a_download(asked: Client, world: World) -> None:
    url = f"/api/v1/exports/{world.export.pk}/download"
    for part in ("²", "x", "-1", "9" * 400, "1.0", ""):
        answer = asked.get(url, {"part": part})
        assert answer.status_code == 400, part
        assert "part" in error_of(answer)["fields"]
    assert asked.get(url, {"part": "7"}).status_code == 404
    whole = b"".join(asked.get(url).streaming_content)  # type: ignore[attr-defined]
    for header in (f"bytes={'9' * 6000}-", f"bytes=5-{'1' * 5}", f"bytes=-{'9' * 6000}", "bytes=²-", "bytes=9-3"):
        answer = asked.get(url, headers={"Range": header})
        assert answer.status_code in (200, 206, 416), header
    assert asked.get(url, headers={"Range": f"bytes={'9' * 6000}-"}).status_code == 416
    tail = asked.get(url, headers={"Range": f"bytes=-{'9' * 6000}"})
    assert tail.status_code == 206
    assert b"".join(tail.streaming_content) == whole  # type: ignore[attr-defined]
    assert asked.get(url, headers={"Range": f"bytes={'0' * 6000}1-2"}).status_code == 206


def test_nul_in_address_query_and_cookie_names_the_place(world: World, alice: User) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    for path, place in (
        ("/join/a%00b/", "address"),
        ("/projects/algebra/solutions?subject=a%00b", "subject"),
        ("/projects/algebra/audit?a%00=1", "a"),
        ("/api/v1/projects/algebra/problems?subject=a%00b", "subject"),
    ):
        answer = client.get(path)
        assert answer.status_code == 400, path
        assert place in answer.content.decode()
    client.cookies["sessionid"] = NUL
    assert client.get("/").status_code == 400


# --- every route ------------------------------------------------------------------------------------------


def test_every_operation_of_the_api_with_every_field_spoilt(
    asked: Client, world: World, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    """Each field of each body in turn, the others as the document has them. None gets as far as the database."""
    held = claim(round=make_round(world.project, name="Held"), labeler=alice)
    assert isinstance(held, Assignment)
    ids = {
        "assignments": held.pk,
        "solutions": world.solution.pk,
        "problems": world.solution.problem_id,
        "imports": world.batch.pk,
        "exports": world.export.pk,
        "evaluations": world.evaluation.pk,
        "estimation-runs": world.run.pk,
        "sampling-runs": world.sampling.pk,
        "scoring-runs": world.scoring.pk,
        "judges": world.judging.judge_id,
        "judge-runs": world.judging.pk,
        "steps": world.solution.steps.order_by("position")[0].pk,
    }
    document = SchemaGenerator().get_schema(request=None, public=True)
    broken, tried = [], 0
    for path, method, body in operations(document, ids):
        for spoilt in variants(body):
            tried += 1
            answer = asked.generic(method, path, spoilt, content_type="application/json")
            if answer.status_code >= 500 and answer.status_code != 503:
                broken.append((method, path, spoilt[:200], answer.status_code))
    assert not broken, broken[:20]
    assert [one.exc_info for one in caplog.records if one.name == "apps.core.faults"] == []
    assert tried > 500


def operations(document: dict[str, Any], ids: dict[str, int]) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        kind = path.split("/")[3] if path.startswith("/api/v1/") else path.split("/")[1]
        filled = path.replace("{slug}", "algebra").replace("{number}", "1").replace("{id}", str(ids.get(kind, 1)))
        for method, operation in methods.items():
            if method == "delete":
                continue
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            yield filled, method.upper(), sample(document, content["schema"]) if content else {}


def sample(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """A value as the document describes it."""
    if "$ref" in schema:
        return sample(document, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    if "allOf" in schema or "oneOf" in schema:
        return sample(document, (schema.get("allOf") or schema["oneOf"])[0])
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object":
        return {name: sample(document, below) for name, below in schema.get("properties", {}).items()}
    if kind == "array":
        return [sample(document, schema["items"])]
    return {"integer": 1, "number": 1, "boolean": True}.get(str(kind), "text")


def variants(body: Any) -> Iterator[str]:
    yield json.dumps(body)
    for path in leaves(body):
        for value in HOSTILE:
            yield json.dumps(with_value(body, path, value))


def leaves(body: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, below in items:
        yield from leaves(below, (*path, key))


def with_value(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    copied = json.loads(json.dumps(body))
    at = copied
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return copied


# --- every page -------------------------------------------------------------------------------------------


def test_every_page_and_form_with_every_field_spoilt(world: World, alice: User, bob: User) -> None:
    """What a page asks for is read from its own fields; every address takes a few that are of no page."""
    client = Client(raise_request_exception=False)
    client.force_login(alice)
    broken, tried = [], 0
    for path in page_addresses(world):
        shown = client.get(path)
        fields = set(re.findall(r'name="([a-z_0-9-]+)"', shown.content.decode())) if not shown.streaming else set()
        fields |= {
            "after",
            "before",
            "act",
            "step",
            "solution",
            "assignment",
            "note",
            "kind",
            "source",
            "labeler",
            "when",
        }
        names = sorted(fields - {"csrfmiddlewaretoken"})
        together = [dict.fromkeys(names, text) for text in TEXTS]
        alone = [{name: TEXTS[(place + len(path)) % len(TEXTS)]} for place, name in enumerate(names)]
        requests = [(("get", "post")[place % 2], sent) for place, sent in enumerate(together)]
        for method, sent in [*requests, *(("post", sent) for sent in alone)]:
            answer = getattr(client, method)(path, sent)
            tried += 1
            if answer.status_code >= 500:
                broken.append((method, path, str(sent)[:200], answer.status_code))
    assert not broken, broken[:20]
    assert tried > 1000


def page_addresses(world: World) -> list[str]:
    """All but those that end what the others show."""
    pks = {
        "solutions": world.solution.pk,
        "problems": world.solution.problem_id,
        "imports": world.batch.pk,
        "uploads": world.upload.pk,
        "exports": world.export.pk,
        "evaluations": world.evaluation.pk,
        "people": world.bobs.pk,
        "endpoints": world.endpoint.pk,
        "labelers": world.bobs.pk,
        "assignments": Assignment.objects.filter(round=world.round)[0].pk,
    }
    ending = ("discard", "revoke", "remove", "check", "cancel", "suspend", "retire", "close")
    found = []
    for route in routes(get_resolver().url_patterns):
        if not route.startswith(("projects/<", "account", "join")) or route.endswith(ending) or "accounts" in route:
            continue
        path = "/" + route.replace("<slug:slug>", "algebra").replace("<signed:number>", "1").replace(
            "<int:number>", "1"
        )
        path = re.sub(r"(\w+)/<int:pk>", lambda part: f"{part[1]}/{pks.get(part[1], 1)}", path)
        found.append(re.sub(r"<int:\w+>", "0", re.sub(r"<(slug|str):\w+>", "agreement", path)))
    return found


def routes(patterns: Any, prefix: str = "") -> Iterator[str]:
    for one in patterns:
        if isinstance(one, URLPattern):
            yield prefix + str(one.pattern)
        elif not str(one.pattern).startswith(("api", "admin", "accounts")):
            yield from routes(one.url_patterns, prefix + str(one.pattern))
