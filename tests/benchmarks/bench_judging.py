"""A judge run against a bare aiohttp client that sends the same requests: wall time and processor time, as ratios.

    python -m tests.benchmarks.bench_judging [SOLUTIONS] [ROUNDS] [CHECKOUT]

2,000 solutions of 6 steps, one vote by the prompt `steps-first-error`, 256 in flight, two Celery worker processes; a
server with a latency of 200 ms, and then one of 800 ms: at a quarter of the requests per second that shows what a
machine four times as quick adds to the first. With the path of another checkout, its estimation takes turns with our
judging in each round: what is told is our processor time per request as a multiple of that of its engine.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_estimation import Setting as EstimationSetting
from tests.benchmarks.bench_estimation import a_project
from tests.benchmarks.engine_setting import IN_FLIGHT, Rounds, Spent, Workers, bare_client, tell_both, workers
from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

STEPS, LATENCY_S, LONG_LATENCY_S = 6, 0.2, 0.8
WARM_UP = 60  # Solutions of a run that is not measured: each worker process imports and connects in its first.
ESTIMATED = 1000  # Solutions of the other checkout's run.


def main() -> None:
    solutions = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    other = Path(sys.argv[3]).resolve() if len(sys.argv) > 3 else None
    with a_database(), servers() as (url, estimation_url):
        setting, ours, long = Setting(url, solutions), Rounds("judging"), Rounds("judging.long_latency")
        estimation = EstimationSetting(estimation_url, ESTIMATED) if other else None
        theirs = Rounds("judging.estimation_of_other") if other else None
        for _ in range(rounds):
            with workers(queue="judging") as processes:
                setting.warm_up(processes)
                for rounds_of, setting.latency_s in ((ours, LATENCY_S), (long, LONG_LATENCY_S)):
                    rounds_of.add(partial(setting.run, processes), setting.bare)
            if estimation and theirs and other:
                with workers(other) as processes:
                    estimation.warm_up(processes)
                    estimation.measure("fixed", theirs, processes)
        tell_both(ours, theirs)
        long.tell()
        tell("judging.most_in_flight", setting.most_in_flight, "requests")


@contextmanager
def servers() -> Iterator[tuple[str, str]]:
    """The URLs of the scripted judge and of the model that estimation asks."""
    from tests.estimation.model import serving
    from tests.judging.model import serving_judges

    with serving_judges() as url, serving() as estimation_url:
        yield url, estimation_url


class Setting:
    """The solutions, and the same requests for the bare client."""

    def __init__(self, url: str, solutions: int) -> None:
        from tests.judging.corpus import add_checked

        self.url, self.solutions = url, solutions
        self.most_in_flight = 0
        self.latency_s = LATENCY_S
        self.judge, self.warm_up_judge = judge_of(url, "judged"), judge_of(url, "judged-before")
        self.errors = add_checked(self.judge.project, solutions, steps=STEPS)
        add_checked(self.warm_up_judge.project, WARM_UP, steps=STEPS)
        self.bodies = bodies_of(self.judge)

    def warm_up(self, processes: Workers) -> None:
        self._measured(self.warm_up_judge, processes)

    def run(self, processes: Workers) -> Spent:
        """Raises AssertionError if a verdict is wrong or missing, or a request was sent twice."""
        from tests.judging.exact import assert_true
        from tests.judging.model import assert_counts

        spent, run, stats = self._measured(self.judge, processes)
        assert_counts(run)
        assert_true(run, self.errors)
        assert (stats["repeated"], stats["requests"]) == (0, run.requests) == (0, self.solutions)
        self.most_in_flight = max(self.most_in_flight, stats["most_in_flight"])
        return spent

    def bare(self) -> Spent:
        from tests.judging.model import judges_of

        judges_of(self.url, latency_s=self.latency_s)
        return bare_client(f"{self.url}/completions", self.bodies, 1)

    def _measured(self, judge: Any, processes: Workers) -> tuple[Spent, Any, dict[str, Any]]:
        from apps.judging.runs.services import start_judging
        from tests.judging.model import judges_of

        model = judges_of(self.url, latency_s=self.latency_s)
        spent, run = processes.measured(lambda: start_judging(judge=judge, seed=1))
        return spent, run, model.stats()


def judge_of(url: str, slug: str) -> Any:
    """A judge that asks at the completions route, in a new project."""
    from apps.inference.services import add_endpoint
    from apps.judging.judges import save_judge

    project = a_project(slug)
    settings = {"max_in_flight": IN_FLIGHT, "transport": "completions"}
    endpoint = add_endpoint(project=project, name="judge", url=url, model="judge-7b", settings=settings)
    return save_judge(project=project, endpoint=endpoint, kind="steps", prompt="steps-first-error")


def bodies_of(judge: Any) -> list[dict[str, Any]]:
    """The bodies that a run sends, one for each solution."""
    from apps.corpus.models import Solution
    from apps.inference.transports import TRANSPORTS
    from apps.judging.engine.replies import sampling_for, sent_prompt
    from apps.judging.judges import judge_kind
    from apps.judging.runs.parameters import judge_sampling
    from apps.judging.worker.load import paths_of, solution_case

    kind, server, sampling = judge_kind(judge), judge.endpoint.server(), judge_sampling(judge.endpoint)
    solutions = list(Solution.objects.filter(project=judge.project).select_related("problem").order_by("id"))
    paths = paths_of(solutions)
    bodies = []
    for solution in solutions:
        (ask,) = kind.asks(solution_case(solution, paths[solution.pk], 0), {})
        sent = sampling_for(ask, 0, sampling)
        prompt = sent_prompt(ask.prompt, server.transport)
        bodies.append(dict(TRANSPORTS[server.transport].body(server, prompt, sent, n=1, seed=solution.pk)))
    return bodies


if __name__ == "__main__":
    main()
