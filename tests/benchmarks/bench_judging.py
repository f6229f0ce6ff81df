"""A judge run against a bare aiohttp client that sends the same requests: wall time and processor time, as ratios.

    python -m tests.benchmarks.bench_judging [SOLUTIONS] [ROUNDS]

2,000 solutions of 6 steps, one vote by the prompt `steps-first-error`, 256 in flight, two Celery worker processes; a
server with a latency of 200 ms. In every round the bare client runs once before and once after ours, and its mean
counts; the ratio is the median of the rounds' ratios, for the machine may have other work meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil

from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

STEPS, IN_FLIGHT, WORKERS, LATENCY_S = 6, 256, 2, 0.2


@dataclass(frozen=True)
class Measure:
    """Of one run or of one client. `peak` is the resident memory of the largest worker process, in MB."""

    wall_s: float
    processor_s: float
    peak: float = 0.0


def main() -> None:
    solutions = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with a_database(), a_judge() as url, workers() as pid:
        measure(url, solutions, rounds, pid)


def measure(url: str, solutions: int, rounds: int, pid: int) -> None:
    from apps.core.jobs.model import JobStatus
    from tests.judging.corpus import add_checked
    from tests.judging.exact import assert_true
    from tests.judging.model import assert_counts, judges_of

    judge = judge_of(url)
    errors = add_checked(judge.project, solutions, steps=STEPS)
    bodies = bodies_of(judge)
    assert len(bodies) == solutions
    bares, ours = [], []
    for _ in range(rounds + 1):
        if bares:
            model = judges_of(url, latency_s=LATENCY_S)
            own, run = our_run(judge, pid)
            assert run.status == JobStatus.FINISHED, run.error
            assert_counts(run)
            assert_true(run, errors)
            stats = model.stats()
            assert (stats["repeated"], stats["requests"]) == (0, run.requests) == (0, solutions)
            ours.append(own)
        judges_of(url, latency_s=LATENCY_S)
        bares.append(bare_run(url, bodies))
    report(ours, bares, solutions)
    tell("judging.most_in_flight", stats["most_in_flight"], "requests")


def report(ours: Sequence[Measure], bares: Sequence[Measure], requests: int) -> None:
    means = [(before.wall_s + after.wall_s) / 2 for before, after in pairwise(bares)]
    ratios = [own.wall_s / mean for own, mean in zip(ours, means, strict=True)]
    own_ms = 1000 * statistics.median(own.processor_s for own in ours) / requests
    bare_ms = 1000 * statistics.median(bare.processor_s for bare in bares) / requests
    tell("judging.bare_client", statistics.median(bare.wall_s for bare in bares), "s")
    tell("judging.run", statistics.median(own.wall_s for own in ours), "s")
    tell("judging.ratio", statistics.median(ratios), "times")
    tell("judging.least_ratio", min(own.wall_s for own in ours) / min(bare.wall_s for bare in bares), "times")
    tell("judging.processor_per_request", own_ms, "ms")
    tell("judging.bare_processor_per_request", bare_ms, "ms")
    tell("judging.processor_ratio", own_ms / bare_ms, "times")
    tell("judging.peak_memory_of_a_worker", max(own.peak for own in ours), "MB")
    tell("judging.requests", requests, "requests")


def judge_of(url: str) -> Any:
    """The judge that asks at the completions route, in a new project."""
    from apps.accounts.models import User
    from apps.inference.services import add_endpoint
    from apps.judging.judges import save_judge
    from apps.projects.services import create_project

    owner = User.objects.create_user(email="bench@lab.example", password="bench of ours")
    project = create_project(slug="judging", owner=owner)
    settings = {"max_in_flight": IN_FLIGHT, "transport": "completions"}
    endpoint = add_endpoint(project=project, name="judge", url=url, model="judge-7b", settings=settings)
    return save_judge(project=project, endpoint=endpoint, kind="steps", prompt="steps-first-error")


def bodies_of(judge: Any) -> list[bytes]:
    """The bodies that a run sends, one for each solution."""
    import msgspec

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
        body = TRANSPORTS[server.transport].body(
            server, sent_prompt(ask.prompt, server.transport), sent, n=1, seed=solution.pk
        )
        bodies.append(msgspec.json.encode(body))
    return bodies


def our_run(judge: Any, pid: int) -> tuple[Measure, Any]:
    """From the call until the row says finished, as a person sees it."""
    from apps.judging.runs.services import start_judging

    before = processor_s(pid)
    started = time.perf_counter()
    run = start_judging(judge=judge, seed=1)
    while not run.has_ended and run.status != "paused":
        time.sleep(0.02)
        run.refresh_from_db()
    wall = time.perf_counter() - started
    peak = max(peak_mb(child.pid) for child in psutil.Process(pid).children())
    return Measure(wall, processor_s(pid) - before, peak), run


def peak_mb(pid: int) -> float:
    """The most resident memory that the process has had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    line = next(line for line in lines if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def processor_s(pid: int) -> float:
    """Of all processes of our worker."""
    worker = psutil.Process(pid)
    times = [one.cpu_times() for one in (worker, *worker.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def bare_run(url: str, bodies: Sequence[bytes]) -> Measure:
    before, started = time.process_time(), time.perf_counter()
    asyncio.run(bare_client(url, bodies))
    return Measure(time.perf_counter() - started, time.process_time() - before)


async def bare_client(url: str, bodies: Sequence[bytes]) -> None:
    """The least that sends these requests with so many in flight and reads the answers."""
    import aiohttp
    import msgspec

    waiting = iter(bodies)

    async def worker(session: aiohttp.ClientSession) -> None:
        for body in waiting:
            async with session.post(f"{url}/completions", data=body) as response:
                answer = msgspec.json.decode(await response.read())
                assert len(answer["choices"]) == 1

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(worker(session) for _ in range(IN_FLIGHT)))


@contextmanager
def a_judge() -> Iterator[str]:
    from tests.judging.model import serving_judges

    with serving_judges() as url:
        yield url


@contextmanager
def workers() -> Iterator[int]:
    """Gives the process that the workers are children of."""
    command = [
        *(sys.executable, "-m", "celery", "-A", "annotate", "worker", "-Q", "judging", "-c", str(WORKERS)),
        *("-l", "WARNING", "--without-gossip", "--without-mingle"),
    ]
    with subprocess.Popen(command, env=dict(os.environ), stderr=sys.stderr) as process:
        try:
            time.sleep(4)
            yield process.pid
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
