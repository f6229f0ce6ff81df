"""Claim and submit over HTTP: pairs a second, and how long a claim takes, with 1 and with 16 labelers.

    .venv/bin/python -m tests.benchmarks.bench_handout [TASKS [SECONDS]]

The load generator runs on the same cores as the server and the database.
"""

from __future__ import annotations

import http.client
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tests.benchmarks.report import percentile, tell
from tests.benchmarks.setting import a_database, a_server


@dataclass
class Labeler:
    """One person at work over one kept connection, as fast as the server lets them."""

    port: int
    path: str
    token: str
    claims: list[float] = field(default_factory=list)
    submissions: list[float] = field(default_factory=list)
    tasks: list[int] = field(default_factory=list)

    def work(self, until: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while time.perf_counter() < until:
            started = time.perf_counter()
            assignment = self._post(connection, self.path, {})["assignment"]
            claimed = time.perf_counter()
            if assignment is None:
                break
            steps = [{"position": step["position"], "candidate": 0, "rating": 1} for step in assignment["steps"]]
            body = {"steps": steps, "finish_reason": "solution", "active_ms": 1000}
            self._post(connection, f"/api/v1/assignments/{assignment['id']}/submit", body)
            self.claims.append(claimed - started)
            self.submissions.append(time.perf_counter() - claimed)
            self.tasks.append(assignment["task"])

    def _post(self, connection: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", path, msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status == 200, (answer.status, data[:300])
        return msgspec.json.decode(data, type=dict[str, Any])


def main(tasks: int = 10_000, seconds: float = 15) -> None:
    with a_database(), a_server() as port:
        for labelers in (1, 16):
            for redundancy in (1, 3):
                measure(port, tasks, labelers, redundancy, seconds)


def measure(port: int, tasks: int, labelers: int, redundancy: int, seconds: float) -> None:
    slug = f"handout-{labelers}-{redundancy}"
    tokens = prepare(slug, tasks, labelers, redundancy)
    crew = [Labeler(port, f"/api/v1/projects/{slug}/rounds/1/claim", token) for token in tokens]
    started = time.perf_counter()
    threads = [threading.Thread(target=one.work, args=[started + seconds]) for one in crew]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - started
    name = f"handout.{tasks}.labelers{labelers}.redundancy{redundancy}"
    claims = [spell for one in crew for spell in one.claims]
    check(crew, redundancy)
    tell(f"{name}", len(claims) / took, "pairs/s")
    for share in (0.5, 0.95, 0.99):
        tell(f"{name}.claim.p{share * 100:.0f}", percentile(claims, share) * 1000, "ms")
    tell(f"{name}.submit.p95", percentile([spell for one in crew for spell in one.submissions], 0.95) * 1000, "ms")


def check(crew: list[Labeler], redundancy: int) -> None:
    """Speed counts for nothing when a task goes to too many people."""
    handed: dict[int, int] = {}
    for one in crew:
        assert len(set(one.tasks)) == len(one.tasks)
        for task in one.tasks:
            handed[task] = handed.get(task, 0) + 1
    assert max(handed.values()) <= redundancy


def prepare(slug: str, tasks: int, labelers: int, redundancy: int) -> list[str]:
    """A project with a round of so many tasks; a token for each labeler."""
    from django.db import connection

    from apps.accounts.models import User
    from apps.accounts.services import issue_token
    from apps.labeling.services import open_round
    from apps.projects.models import Role
    from apps.projects.services import add_member, create_project
    from tests.benchmarks.setting import add_solutions

    project = create_project(slug=slug)
    add_solutions(project, tasks)
    tokens = []
    for number in range(labelers):
        user = User.objects.create(email=f"{slug}-{number}@bench.example", password="!")
        add_member(project=project, user=user, role=Role.LABELER)
        tokens.append(issue_token(user=user)[1])
    open_round(project=project, protocol="first_error", redundancy=redundancy)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return tokens


if __name__ == "__main__":
    main(*(kind(word) for kind, word in zip((int, float), sys.argv[1:], strict=False)))
