"""A stand-in for the Hub: the requests by which the real client makes a dataset repository and commits files to it.

It keeps what was committed, and refuses as the Hub does: an unknown token, one that may only read, a name that is
taken. Files whose names end in one of `lfs` are uploaded before the commit, as large files are.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

WRITES, READS = "hf_that_writes", "hf_that_reads"


@dataclass
class Repository:
    private: bool
    files: dict[str, bytes] = field(default_factory=dict)
    messages: list[str] = field(default_factory=list)


@dataclass
class Hub:
    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    objects: dict[str, bytes] = field(default_factory=dict)
    lfs: tuple[str, ...] = ()
    is_down: bool = False
    requests: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def _answer(self, method: str) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0]
        self.hub.requests.append(f"{method} {path}")
        status, answer = self._result(method, path, body)
        content = json.dumps(answer).encode()
        self.send_response(status)
        if status >= 400:
            self.send_header("X-Error-Message", answer["error"])
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _result(self, method: str, path: str, body: bytes) -> tuple[int, Any]:
        if self.hub.is_down:
            return 503, {"error": "Down for maintenance"}
        if method == "PUT":  # Where large files go: a signed address, without the token.
            self.hub.objects[path.removeprefix("/objects/")] = body
            return 200, {}
        return self._refused(method) or self._allowed(path, body)

    def _refused(self, method: str) -> tuple[int, Any] | None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        if token not in (WRITES, READS):
            return 401, {"error": "Invalid username or password."}
        if method == "POST" and token == READS:
            return 403, {"error": f"You don't have the rights, {token}"}
        return None

    def _allowed(self, path: str, body: bytes) -> tuple[int, Any]:
        if path == "/api/validate-yaml":
            return 200, {"errors": [], "warnings": []}
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        match = re.fullmatch(r"/(?:api/)?datasets/([^/]+/[^/]+?)(?:\.git)?(/.*)?", path)
        repository = self.hub.repositories.get(match[1]) if match else None
        if match is None or repository is None:
            return 404, {"error": "Repository not found"}
        return self._of_repository(match[1], repository, match[2] or "", body)

    def _create(self, asked: dict[str, Any]) -> tuple[int, Any]:
        name = f"{asked['organization']}/{asked['name']}"
        assert asked["type"] == "dataset"
        url = f"{self.hub.url}/datasets/{name}"
        if name in self.hub.repositories:
            return 409, {"error": "You already created this dataset repo", "url": url}
        is_private = asked.get("private", asked.get("visibility") == "private")
        self.hub.repositories[name] = Repository(private=bool(is_private))
        return 200, {"url": url}

    def _of_repository(self, name: str, repository: Repository, rest: str, body: bytes) -> tuple[int, Any]:
        if rest in ("", "/revision/main"):
            return 200, {"id": name, "private": repository.private, "sha": "0" * 40}
        if rest == "/preupload/main":
            files = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if file["path"].endswith(self.hub.lfs or ("\0",)) else "regular",
                    "shouldIgnore": False,
                }
                for file in json.loads(body)["files"]
            ]
            return 200, {"files": files}
        if rest == "/info/lfs/objects/batch":
            objects = [
                {**item, "actions": {"upload": {"href": f"{self.hub.url}/objects/{item['oid']}"}}}
                for item in json.loads(body)["objects"]
            ]
            return 200, {"transfer": "basic", "objects": objects}
        assert rest == "/commit/main"
        return self._commit(name, repository, [json.loads(line) for line in body.splitlines()])

    def _commit(self, name: str, repository: Repository, lines: list[dict[str, Any]]) -> tuple[int, Any]:
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                repository.messages.append(value["summary"])
            elif line["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            else:
                assert line["key"] == "lfsFile"
                repository.files[value["path"]] = self.hub.objects[value["oid"]]
        oid = hashlib.sha1(json.dumps(lines).encode(), usedforsecurity=False).hexdigest()
        return 200, {"commitUrl": f"{self.hub.url}/datasets/{name}/commit/{oid}", "commitOid": oid}


@contextmanager
def serving_hub() -> Iterator[Hub]:
    """The stand-in, in a thread of this process."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("HubHandler", (Handler,), {"hub": hub}))
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
