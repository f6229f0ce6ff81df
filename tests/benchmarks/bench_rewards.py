"""Latency of the reward endpoint, against the same request to the model itself and against a bare request to the API.

    .venv/bin/python -m tests.benchmarks.bench_rewards [--requests 200] [--latency 0.05]

The model is the tests' own, which answers after `--latency` seconds: what is measured is what the endpoint adds. Requests are
sent one after the other over one connection, as a trainer's worker sends them.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.benchmarks.report import percentile, tell
from tests.benchmarks.setting import a_database, a_server

if TYPE_CHECKING:
    from tests.scoring.model import RewardServer

STEPS = [f"Step {number}: we add {number} to what we have." for number in range(1, 9)]


def main(*, requests: int, latency: float) -> None:
    with a_database(), a_server() as port:
        from tests.scoring.model import rewards_of, serving_rewards

        with serving_rewards() as url:
            compare(port, rewards_of(url, latency_s=latency), requests)


def compare(port: int, server: RewardServer, requests: int) -> None:
    api = Connection(port, prepare(server.json_url))
    model = Connection(urlsplit(server.url).port or 80)
    path = "/api/v1/projects/rewards"
    known, unknown = ({"problem": problem, "steps": STEPS} for problem in ("known?", "unknown?"))
    bare = measured("bare", lambda: api.send("GET", path), requests)
    labels = measured("labels", lambda: api.send("POST", f"{path}/rewards", known), requests)
    tell("rewards.labels.to_bare", labels / bare, "times")
    many = measured("labels64", lambda: api.send("POST", f"{path}/rewards", {"items": [known] * 64}), requests // 4)
    tell("rewards.labels64.per_text", many / 64 * 1000, "ms")
    direct = measured("model", lambda: model.send("POST", "/score", unknown), requests)
    served = measured("served", lambda: api.send("POST", f"{path}/rewards", unknown), requests)
    tell("rewards.served.to_model", served / direct, "times")
    tell("rewards.served.added", (served - direct) * 1000, "ms")


class Connection:
    """One connection that is kept open."""

    def __init__(self, port: int, token: str = "") -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def send(self, method: str, path: str, body: Any = None) -> None:
        self._connection.request(method, path, None if body is None else json.dumps(body), self._headers)
        response = self._connection.getresponse()
        content = response.read()
        assert response.status == 200, content


def measured(name: str, send: Callable[[], None], count: int) -> float:
    """The median in seconds."""
    for _ in range(5):
        send()
    spells = []
    for _ in range(count):
        began = time.perf_counter()
        send()
        spells.append(time.perf_counter() - began)
    for share in (0.5, 0.95):
        tell(f"rewards.{name}.p{share * 100:.0f}", percentile(spells, share) * 1000, "ms")
    return percentile(spells, 0.5)


def prepare(url: str) -> str:
    """A project with 2,000 labeled solutions of one problem, and a reward model; returns a manager's token."""
    from apps.accounts.models import User
    from apps.accounts.services import issue_token
    from apps.inference.services import add_endpoint
    from apps.projects.services import create_project
    from apps.scoring.reward_model import set_reward_model
    from tests.cast import make_gold, make_problem, make_solution

    user = User.objects.create(email="trainer@bench.example", password="!")
    project = create_project(slug="rewards", owner=user)
    problem = make_problem(project, "known?")
    for number in range(2000):
        solution = make_solution(problem, [f"{STEPS[0]} {number}", *STEPS[1:]])
    make_gold(make_solution(problem, STEPS), *[1] * len(STEPS))
    assert solution.pk
    endpoint = add_endpoint(project=project, name="model", url=url, model="m")
    set_reward_model(project=project, endpoint=endpoint, kind="json")
    return issue_token(user=user, scopes=["read"])[1]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.05)
    main(**vars(parser.parse_args()))
