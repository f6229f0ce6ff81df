"""Estimation against a bare aiohttp client that sends the same requests: wall time and processor time, as ratios.

    python -m tests.benchmarks.bench_estimation [SOLUTIONS] [ROUNDS] [CHECKOUT]

1,000 solutions of 6 steps, N = 8, 256 in flight, two Celery worker processes; a server with a latency of 200 ms, then
one with a latency per token besides. With the path of another checkout, its workers and ours take turns in each round.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from tests.benchmarks.engine_setting import IN_FLIGHT, OURS, Rounds, Spent, Workers, bare_client, tell_both, workers
from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

STEPS, ROLLOUTS = 6, 8
FAULTS = {"fixed": {"latency_s": 0.2}, "per_token": {"latency_s": 0.02, "per_token_s": 0.0045}}
WARM_UP = 60  # Solutions of a run that is not measured: each worker process imports and connects in its first.


def main() -> None:
    solutions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    others = [Path(sys.argv[3]).resolve()] if len(sys.argv) > 3 else []
    from tests.estimation.model import serving

    with a_database(), serving() as url:
        setting = Setting(url, solutions)
        told = {
            name: [Rounds(f"estimation.{name}{'' if place == 0 else '.other'}") for place in range(1 + len(others))]
            for name in FAULTS
        }
        for number in range(rounds):
            # Whoever comes second finds the machine as the first one left it: they change places.
            sides = list(enumerate([OURS, *others]))[:: -1 if number % 2 else 1]
            for place, checkout in sides:
                with workers(checkout) as processes:
                    setting.warm_up(processes)
                    for name in FAULTS:
                        setting.measure(name, told[name][place], processes)
        for name in FAULTS:
            tell_both(*told[name], *[None] * (1 - len(others)))
            tell(f"estimation.{name}.most_in_flight", setting.most_in_flight, "requests")
            tell(f"estimation.{name}.rollouts", setting.rollouts_per_s(told[name][0]), "rollouts/s")


class Setting:
    """The solutions, and the same requests for the bare client."""

    def __init__(self, url: str, solutions: int) -> None:
        from tests.estimation.corpus import add_sums
        from tests.estimation.model import Model

        self.url, self.solutions, self.model = url, solutions, Model(url)
        self.most_in_flight = 0
        self.project, self.warm_up_project = a_project("measured"), a_project("warm-up")
        add_sums(self.project, solutions, steps=STEPS)
        add_sums(self.warm_up_project, WARM_UP, steps=STEPS)
        self.bodies = [_body(number, step) for number in range(solutions) for step in range(1, STEPS)]

    def warm_up(self, processes: Workers) -> None:
        processes.measured(lambda: started_run(self.warm_up_project, self.url))

    def measure(self, name: str, rounds: Rounds, processes: Workers) -> None:
        self.model.control(**{"per_token_s": 0.0} | FAULTS[name])
        rounds.add(lambda: self._run(processes), lambda: bare_client(f"{self.url}/completions", self.bodies, ROLLOUTS))

    def rollouts_per_s(self, rounds: Rounds) -> float:
        return max(ROLLOUTS * len(self.bodies) / run.wall_s for run in rounds.runs)

    def _run(self, processes: Workers) -> Spent:
        """Raises AssertionError if a rollout is missing, or a request was sent twice."""
        self.model.forget()
        spent, run = processes.measured(lambda: started_run(self.project, self.url))
        assert (run.rollouts, run.done) == (ROLLOUTS * len(self.bodies), self.solutions)
        stats = self.model.stats()
        assert (stats["repeated"], stats["requests"]) == (0, run.requests)
        self.most_in_flight = max(self.most_in_flight, stats["most_in_flight"])
        return spent


def _body(number: int, steps: int) -> dict[str, Any]:
    prefix = "\n".join(f"Step {step + 1}: we add a little more." for step in range(steps))
    return {
        "prompt": f"Compute {number} + {number}.\n\n{prefix}",
        "model": "sums",
        "n": ROLLOUTS,
        "temperature": 0.7,
        "top_p": 1.0,
        "max_tokens": 1024,
        "seed": number,
        "top_k": 0,
        "min_p": 0.0,
    }


def a_project(slug: str) -> Any:
    from apps.accounts.models import User
    from apps.projects.services import create_project

    owner = User.objects.filter(email="bench@lab.example").first()
    owner = owner or User.objects.create_user(email="bench@lab.example", password="bench of ours")
    return create_project(slug=slug, owner=owner)


def started_run(project: Any, url: str) -> Any:
    from apps.estimation.runs.services import start_run
    from apps.inference.models import Endpoint
    from apps.inference.services import add_endpoint

    endpoint = Endpoint.objects.filter(project=project).first() or add_endpoint(
        project=project, name="model", url=url, model="sums", settings={"max_in_flight": IN_FLIGHT}
    )
    return start_run(
        project=project, endpoint=endpoint, strategy="math-shepherd", options={"rollouts": ROLLOUTS}, seed=1
    )


if __name__ == "__main__":
    main()
