"""A crew of labelers in a process of their own, each over one kept connection, as fast as the server lets them.

It shares the machine's cores with what it measures, so it does as little as it can: bare sockets, and of
each answer only the head's length and the few fields that the next request needs.

    echo '{"port": ..., "seconds": ..., "path": ..., "tokens": [...]}' | python -m tests.benchmarks.crew
"""

from __future__ import annotations

import socket
import sys
import threading
import time

import msgspec


class Place(msgspec.Struct):
    position: int


class Turn(msgspec.Struct):
    id: int
    task: int
    steps: list[Place]


class Claimed(msgspec.Struct):
    assignment: Turn | None


class Order(msgspec.Struct):
    port: int
    seconds: float
    path: str
    tokens: list[str]


class Report(msgspec.Struct):
    """Seconds, one for each pair; the tasks that each labeler had; this process's own processor time."""

    took: float
    cpu: float
    claims: list[float]
    submissions: list[float]
    tasks: list[list[int]]


READ_CLAIM = msgspec.json.Decoder(Claimed)


class Labeler:
    def __init__(self, order: Order, token: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", order.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.token, self.path = token, order.path
        self.claims: list[float] = []
        self.submissions: list[float] = []
        self.tasks: list[int] = []

    def work(self, until: float) -> None:
        while (started := time.perf_counter()) < until:
            assignment = READ_CLAIM.decode(self.post(self.path, b"{}")).assignment
            claimed = time.perf_counter()
            if assignment is None:
                return
            steps = [{"position": step.position, "candidate": 0, "rating": 1} for step in assignment.steps]
            body = {"steps": steps, "finish_reason": "solution", "active_ms": 1000}
            self.post(f"/api/v1/assignments/{assignment.id}/submit", msgspec.json.encode(body))
            self.claims.append(claimed - started)
            self.submissions.append(time.perf_counter() - claimed)
            self.tasks.append(assignment.task)

    def post(self, path: str, body: bytes) -> bytes:
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self.socket.sendall(head.encode() + body)
        answer = self.socket.recv(65536)
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self.more()
        headers = answer[:end].lower()
        length = int(headers.partition(b"content-length:")[2].partition(b"\r\n")[0])
        while len(answer) < end + 4 + length:
            answer += self.more()
        if not headers.startswith(b"http/1.1 200"):
            raise RuntimeError(answer[:500].decode())
        return answer[end + 4 :]

    def more(self) -> bytes:
        received = self.socket.recv(65536)
        if not received:
            raise ConnectionError("The server hung up.")
        return received


def main() -> None:
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    crew = [Labeler(order, token) for token in order.tokens]
    started = time.perf_counter()
    threads = [threading.Thread(target=one.work, args=[started + order.seconds]) for one in crew]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report = Report(
        took=time.perf_counter() - started,
        cpu=time.process_time(),
        claims=[spell for one in crew for spell in one.claims],
        submissions=[spell for one in crew for spell in one.submissions],
        tasks=[one.tasks for one in crew],
    )
    sys.stdout.buffer.write(msgspec.json.encode(report))


if __name__ == "__main__":
    main()
