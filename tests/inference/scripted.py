"""A model server over real HTTP whose replies a test scripts, and which records its requests."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class ReceivedRequest:
    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    at: float


@dataclass
class Reply:
    """`body` is sent as JSON, or unchanged if it is a text, after `hang_s`; `cuts` closes the connection instead."""

    body: object = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    cuts: bool = False


Script = Callable[[ReceivedRequest], Reply]


class Scripted:
    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[ReceivedRequest] = []
        self.url = ""

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [one.body for one in self.asked]


def completions(*texts: str, usage: dict[str, int] | None = None, reason: str = "stop") -> Reply:
    choices = [{"index": place, "text": text, "finish_reason": reason} for place, text in enumerate(texts)]
    return Reply({"choices": choices} | ({"usage": usage} if usage else {}))


def chats(*texts: str | None) -> Reply:
    choices = [
        {"index": place, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for place, text in enumerate(texts)
    ]
    return Reply({"choices": choices})


def in_turn(*replies: Reply) -> Script:
    """The replies in order; the last one is repeated."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def scripted(script: Script) -> Iterator[Scripted]:
    found = Scripted(script)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = ReceivedRequest(self.path, body, dict(self.headers), time.monotonic())
            found.asked.append(asked)
            self._send(found.script(asked))

        def _send(self, reply: Reply) -> None:
            time.sleep(reply.hang_s)
            if reply.cuts:
                self.close_connection = True
                self.connection.close()
                return
            raw = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(raw)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """Do not log connections that a test cuts."""

    server = Quiet(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.02), daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
