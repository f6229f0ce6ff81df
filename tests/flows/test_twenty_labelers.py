"""Twenty people at once, over HTTP, against the real server."""

from __future__ import annotations

import http.client
import random
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from apps.accounts.services import issue_token
from apps.labeling.models import Assignment, RoundProgress, StepLabel, Task
from apps.labeling.rounds.services import open_round
from apps.projects.models import Project, Role
from apps.projects.services import add_member
from tests.benchmarks.setting import add_solutions
from tests.cast import make_user

LABELERS, TASKS = 20, 300


@dataclass
class Labeler:
    address: str
    token: str
    slug: str
    seed: int
    done: dict[int, int] = field(default_factory=dict)
    states: Counter[str] = field(default_factory=Counter)

    def work(self, start: threading.Barrier) -> None:
        dice = random.Random(self.seed)
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=60)
        start.wait()
        while True:
            claimed = self.post(connection, f"/api/v1/projects/{self.slug}/rounds/1/claim", {})
            if claimed["assignment"] is None:
                if claimed["reason"] == "all_leased":
                    continue
                assert claimed["reason"] in {"all_done", "done_by_you"}
                return
            self.submit(connection, claimed["assignment"], dice)

    def submit(self, connection: http.client.HTTPConnection, assignment: dict[str, Any], dice: random.Random) -> None:
        steps = [{"position": step["position"], "candidate": 0, "rating": 1} for step in assignment["steps"]]
        body = {"steps": steps, "finish_reason": "solution", "active_ms": 1000}
        path = f"/api/v1/assignments/{assignment['id']}/submit"
        answer = self.post(connection, path, body)
        self.states[answer["assignment"]["state"]] += 1
        self.done[assignment["id"]] = assignment["task"]
        if dice.random() < 0.2:
            again = self.post(connection, path, body)
            assert again["assignment"] == answer["assignment"]

    def post(self, connection: http.client.HTTPConnection, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        connection.request("POST", path, msgspec.json.encode(body), headers)
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status == 200, (answer.status, data[:500])
        return msgspec.json.decode(data, type=dict[str, Any])


@pytest.mark.parametrize("redundancy", [1, 2])
def test_no_task_is_over_assigned_lost_or_counted_twice(web: str, project: Project, redundancy: int) -> None:
    add_solutions(project, TASKS, steps=3)
    open_round(project=project, protocol="first_error", redundancy=redundancy)
    crew = []
    for number in range(LABELERS):
        user = make_user(f"labeler{number}")
        add_member(project=project, user=user, role=Role.LABELER)
        crew.append(Labeler(web, issue_token(user=user)[1], project.slug, number))
    start = threading.Barrier(LABELERS)
    with ThreadPoolExecutor(LABELERS) as pool:
        for finished in [pool.submit(one.work, start) for one in crew]:
            finished.result()

    tasks = [task for one in crew for task in one.done.values()]
    assert set(Counter(tasks).values()) == {redundancy}
    assert len(set(tasks)) == TASKS
    assert all(len(set(one.done.values())) == len(one.done) for one in crew)
    assert sum((one.states for one in crew), Counter()) == {"submitted": TASKS * redundancy}
    assert Assignment.objects.filter(state=Assignment.State.SUBMITTED).count() == TASKS * redundancy
    assert Assignment.objects.count() == TASKS * redundancy
    assert StepLabel.objects.count() == TASKS * redundancy * 3
    assert sum(RoundProgress.objects.values_list("submitted", flat=True)) == TASKS * redundancy
    assert not Task.objects.exclude(open_slots=0).exists()
