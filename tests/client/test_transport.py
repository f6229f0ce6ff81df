"""Retries, errors, pages and downloads, against a server that fails as the script says."""

from __future__ import annotations

import hashlib
import io
import json
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from annotate_client import (
    AnnotateError,
    AuthenticationError,
    ChecksumMismatch,
    Client,
    Conflict,
    ConnectionFailed,
    Export,
    InvalidInput,
    NotAllowed,
    NotFound,
    Project,
    RateLimited,
    ServerError,
)
from annotate_client.progress import Bar
from annotate_client.transport import Retries
from tests.client.scripted_server import Answer, scripted
from tests.processes import free_port

PROJECT = {"slug": "sums", "name": "Sums"}


def client_of(url: str, **settings: object) -> Client:
    client = Client(url, "secret", progress=False, **settings)  # type: ignore[arg-type]
    client.transport.retries = Retries(attempts=3, first_wait=0.01, longest_wait=5.0)
    return client


def project_of(url: str) -> Project:
    return Project(client_of(url).transport, PROJECT, progress=False)


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_safe_request_is_sent_again(status: int) -> None:
    with scripted(Answer(status), Answer(200, PROJECT)) as script, client_of(script.url) as client:
        assert client.project("sums").name == "Sums"
        assert script.requests == ["GET /api/v1/projects/sums"] * 2
        assert script.seen[0][2]["Authorization"] == "Bearer secret"


def test_a_connection_that_breaks_is_made_again() -> None:
    with scripted(Answer(breaks=True), Answer(200, PROJECT)) as script, client_of(script.url) as client:
        assert client.project("sums").slug == "sums"


def test_what_starts_something_is_not_sent_twice_unless_the_server_has_not_looked_at_it() -> None:
    for passing in (Answer(503), Answer(breaks=True)):
        with scripted(passing, Answer(201, {"id": 1})) as script:
            with pytest.raises((ServerError, ConnectionFailed)):
                project_of(script.url).sample("big", wait=False)
            assert len(script.seen) == 1
    with scripted(Answer(429), Answer(201, {"id": 1, "status": "queued"})) as script:
        assert project_of(script.url).sample("big", wait=False).id == 1
        assert len(script.seen) == 2


def test_retry_after_is_honoured_in_seconds_and_as_a_date() -> None:
    headers = [{"Retry-After": "1"}, {"Retry-After": formatdate(time.time() + 3, usegmt=True)}]
    with scripted(*(Answer(429, headers=one) for one in headers), Answer(200, PROJECT)) as script:
        begun = time.monotonic()
        client_of(script.url).project("sums")
        assert time.monotonic() - begun > 2  # The date is cut to a whole second.


def test_a_wait_that_is_too_long_is_the_callers_to_decide() -> None:
    body = {"error": {"code": "throttled", "message": "Too many."}}
    with scripted(Answer(429, body, {"Retry-After": "3600"})) as script:
        with pytest.raises(RateLimited, match="Too many") as raised:
            client_of(script.url).project("sums")
        assert raised.value.retry_after_s == 3600


def test_attempts_end() -> None:
    with scripted(*[Answer(503)] * 9) as script:
        with pytest.raises(ServerError):
            client_of(script.url).project("sums")
        assert len(script.seen) == 3
    with pytest.raises(ConnectionFailed, match="cannot be reached"):
        client_of(f"http://127.0.0.1:{free_port()}").project("sums")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidInput),
        (401, AuthenticationError),
        (403, NotAllowed),
        (404, NotFound),
        (409, Conflict),
        (413, InvalidInput),
        (422, InvalidInput),
        (500, ServerError),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[AnnotateError]) -> None:
    body = {"error": {"code": "why", "message": "It is so.", "fields": {"slug": "taken"}}}
    with scripted(Answer(status, body)) as script:
        with pytest.raises(kind, match=r"It is so\.\n  slug: taken") as raised:
            client_of(script.url).create_project("sums")
        assert (raised.value.code, raised.value.status, raised.value.fields) == ("why", status, {"slug": "taken"})


def test_an_answer_that_is_not_annotates_is_an_error_and_no_crash() -> None:
    for answer, said in (
        (Answer(200, b"<html>"), "not JSON"),
        (Answer(500, b"<html>"), "status 500"),
        (Answer(301, b"", {"Location": "https://lab.example/"}), "redirects to https://lab.example/"),
        (Answer(404, ["?"]), "status 404"),
    ):
        with scripted(answer) as script, pytest.raises(AnnotateError, match=said):
            client_of(script.url).project("sums")


def test_pages_are_read_from_the_own_server_whatever_next_says() -> None:
    first = {"results": [{"id": 1}], "next": "https://elsewhere.example/api/v1/x?cursor=a%3D%3D&page_size=1000"}
    with scripted(Answer(200, first), Answer(200, {"results": [{"id": 2}], "next": None})) as script:
        assert [row["id"] for row in project_of(script.url).labels(round=1)] == [1, 2]
        assert script.requests[0] == "GET /api/v1/projects/sums/step-labels?page_size=1000&round=1"
        assert script.requests[1] == "GET /api/v1/projects/sums/step-labels?cursor=a%3D%3D&page_size=1000"


def test_an_upload_is_sent_again_from_its_beginning(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"problem": 1}\n' * 1000)
    info = {"id": 7, "status": "queued"}
    with scripted(Answer(503), Answer(202, info), Answer(200, info)) as script:
        assert project_of(script.url).import_rows(path, wait=False).id == 7
        bodies = [body for method, _, _, body in script.seen if method == "POST"]
        assert len(bodies) == 2
        assert all(path.read_bytes() in body for body in bodies)


CONTENT = b'{"row": 1}\n' * 500
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def listed(sha256: str = SHA256, name: str = "train.jsonl") -> Answer:
    return Answer(200, [{"name": name, "rows": 500, "bytes": len(CONTENT), "sha256": sha256}])


def export_of(url: str) -> Export:
    return Export(client_of(url).transport, {"id": 3, "status": "finished"}, progress=False)


def test_a_broken_download_goes_on_where_it_broke(tmp_path: Path) -> None:
    rest = Answer(206, CONTENT[2000:])
    with scripted(listed(), Answer(200, CONTENT, sent=2000), rest) as script:
        path = export_of(script.url).download(tmp_path / "train.jsonl")
        assert path.read_bytes() == CONTENT
        headers = script.seen[2][2]
        assert (headers["Range"], headers["If-Range"]) == ("bytes=2000-", f'"{SHA256}"')


def test_a_file_that_has_changed_meanwhile_is_read_anew(tmp_path: Path) -> None:
    with scripted(listed(), Answer(200, b"x" * 5000, sent=2000), Answer(200, CONTENT)) as script:
        assert export_of(script.url).download(tmp_path / "train.jsonl").read_bytes() == CONTENT


def test_a_wrong_checksum_leaves_the_older_file(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"older")
    with scripted(listed(), Answer(200, CONTENT[:-1] + b"?")) as script, pytest.raises(ChecksumMismatch):
        export_of(script.url).download(path)
    assert path.read_bytes() == b"older"
    assert list(tmp_path.iterdir()) == [path]


def test_names_of_files_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    with scripted(listed(name="../../evil.jsonl"), Answer(200, CONTENT)) as script:
        assert export_of(script.url).download_all(tmp_path / "files") == [tmp_path / "files" / "evil.jsonl"]


def test_a_bar_is_painted_on_terminals_only() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for output, is_painted in ((Terminal(), True), (io.StringIO(), False)):
        bar = Bar("Import 3", output=output)
        bar.show(5, 10, "running")
        bar.close(10, 10, "finished")
        assert ("50% 5 of 10 running" in output.getvalue()) == is_painted
        assert ("100% 10 of 10 finished" in output.getvalue()) == is_painted


def test_a_frame_has_the_texts_of_the_file() -> None:
    row = {"id": "007", "answer": "1e5", "date": "2024", "note": "NaN", "score": 0.12345678901234568}
    content = json.dumps(row).encode() + b"\n"
    file = {"name": "train.jsonl", "rows": 1, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    with scripted(Answer(200, [file]), Answer(200, content)) as script:
        assert export_of(script.url).to_pandas().to_dict("records") == [row]
