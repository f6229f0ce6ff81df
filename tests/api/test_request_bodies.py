"""Bodies of unknown length and bodies that break off, by a raw socket to the real server."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from annotate.request_bodies import MeasuredBodies
from apps.accounts.models import User
from apps.accounts.services import issue_token
from apps.corpus.models import ImportBatch
from apps.projects.models import Project

BOUNDARY = "frontier"
ROW = b'{"problem": {"statement": "What is 1 + 1?", "reference_answer": "2"}}\n'


def form(file: bytes) -> bytes:
    return (
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="format"\r\n\r\njsonl\r\n--{BOUNDARY}\r\n'
            'Content-Disposition: form-data; name="file"; filename="rows.jsonl"\r\n\r\n'
        ).encode()
        + file
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )


def chunks(body: bytes, size: int = 1000) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


def ask(address: str, token: str, path: str, headers: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of the answer."""
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = (
            f"POST /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n"
        )
        connection.sendall(f"{head}{headers}\r\n\r\n".encode() + body)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head_of_answer, _, content = answer.partition(b"\r\n\r\n")
    return int(head_of_answer.split()[1]), json.loads(content)


def break_off(address: str, token: str, path: str, headers: str, body: bytes) -> None:
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = f"POST /api/v1{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        connection.sendall(f"{head}{headers}\r\n\r\n".encode() + body)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(65536)


@pytest.fixture
def token(transactional_db: None, alice: User, project: Project) -> str:
    return issue_token(user=alice, scopes=["read", "write"])[1]


def test_the_real_server_reads_chunked_bodies_and_refuses_what_broke_off(web: str, token: str) -> None:
    """One server for all of it, as a start takes seconds."""
    imports, multipart = "/projects/algebra/imports", f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
    chunked = "Transfer-Encoding: chunked"
    body = form(ROW * 500)

    status, answer = ask(web, token, imports, f"{multipart}\r\n{chunked}", chunks(body))
    assert (status, answer["status"]) == (202, "queued")
    with ImportBatch.objects.get(pk=answer["id"]).file.open("rb") as kept:
        assert kept.read() == ROW * 500

    json_chunked = f"Content-Type: application/json\r\n{chunked}"
    status, answer = ask(web, token, "/projects", json_chunked, chunks(b'{"slug": "chunked", "name": "By chunks"}', 7))
    assert (status, answer["name"]) == (201, "By chunks")

    # Chunks that end in what is no chunk: the server passes them on as a body that has ended.
    end = b"no chunk\r\n"
    for path, headers, half in (
        (imports, f"{multipart}\r\n{chunked}", chunks(body[: len(body) // 2]).removesuffix(b"0\r\n\r\n") + end),
        ("/projects", json_chunked, b'10\r\n{"slug": "half",\r\n' + end),
    ):
        status, answer = ask(web, token, path, headers, half)
        assert status == 400, path
        assert "JSON" in answer["error"]["message"] or "is incomplete" in answer["error"]["message"]
    # A client that goes away within a body whose length it had said. Nobody reads the answer.
    for path, headers in ((imports, multipart), ("/projects", "Content-Type: application/json")):
        break_off(web, token, path, f"{headers}\r\nContent-Length: {len(body)}", body[:-10])
    status, answer = ask(
        web, token, "/projects", f"Content-Type: application/x-www-form-urlencoded\r\n{chunked}", chunks(b"slug=form")
    )
    assert (status, answer["error"]["code"]) == (411, "length_required")
    assert ImportBatch.objects.count() == 1
    assert set(Project.objects.values_list("slug", flat=True)) == {"algebra", "chunked"}
    status, answer = ask(web, token, imports, f"{multipart}\r\nContent-Length: {len(body)}", body)
    assert status == 202
    assert ImportBatch.objects.count() == 2


# --- by itself ----------------------------------------------------------------------------------------------


class Answers:
    def __init__(self) -> None:
        self.status = ""
        self.seen: bytes | None = None

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        self.seen = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        start_response("200 OK", [])
        return iter([b""])

    def start(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status = status


def environ(body: bytes, **more: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "CONTENT_TYPE": "application/json",
        "HTTP_TRANSFER_ENCODING": "chunked",
        **more,
    }


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({}, "200 OK"),
        ({"HTTP_TRANSFER_ENCODING": "", "SERVER_PROTOCOL": "HTTP/2"}, "200 OK"),
        ({"wsgi.input_terminated": False}, "411 Length Required"),
        ({"CONTENT_TYPE": "text/csv"}, "411 Length Required"),
        ({"wsgi.input": io.BytesIO(b"x" * 101)}, "413 Content Too Large"),
        ({"CONTENT_TYPE": "multipart/form-data; boundary=a"}, "400 Bad Request"),
    ],
)
def test_a_body_without_a_length_is_read_or_refused(more: dict[str, Any], status: str) -> None:
    inner = Answers()
    list(MeasuredBodies(inner, limit=100)(environ(b"{}", **more), inner.start))
    assert inner.status == status
    assert inner.seen == (b"{}" if status == "200 OK" else None)


def test_a_body_that_is_shorter_than_its_length_is_an_error() -> None:
    inner = Answers()
    given = environ(b"half", CONTENT_LENGTH="8")
    MeasuredBodies(inner, limit=100)(given, inner.start)
    with pytest.raises(OSError, match="disconnected"):
        given["wsgi.input"].read(4)
