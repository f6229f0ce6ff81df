"""Estimation against a bare aiohttp client that sends the same requests: wall time, as a ratio.

    python -m tests.benchmarks.bench_estimation [SOLUTIONS] [ROUNDS]

1,000 solutions of 6 steps, N = 8, 256 in flight, two Celery worker processes; a server with a latency of 200 ms, then
one with a latency per token besides. In every round the bare client runs once before and once after ours, and its mean
counts; the ratio is the median of the rounds' ratios, for the machine may have other work meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

STEPS, ROLLOUTS, IN_FLIGHT, WORKERS = 6, 8, 256, 2
FAULTS = {"fixed": {"latency_s": 0.2}, "per_token": {"latency_s": 0.02, "per_token_s": 0.0045}}


def main() -> None:
    solutions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with a_database(), a_model() as url, workers() as pid:
        for name, faults in FAULTS.items():
            measure(name, faults, url, solutions, rounds, pid)


def measure(name: str, faults: dict[str, float], url: str, solutions: int, rounds: int, pid: int) -> None:
    from tests.estimation.corpus import add_sums
    from tests.estimation.model import Model

    model = Model(url)
    model.control(**faults)
    project = a_project(name)
    add_sums(project, solutions, steps=STEPS)
    prompts = [
        f"Compute {number} + {number}.\n\n"
        + "\n".join(f"Step {step + 1}: we add a little more." for step in range(upto))
        for number in range(solutions)
        for upto in range(1, STEPS)
    ]
    bares = [asyncio.run(bare_client(url, prompts))]
    ours, used = [], []
    for _ in range(rounds):
        model.forget()
        before = processor_s(pid)
        seconds, run = our_run(project, url)
        used.append(processor_s(pid) - before)
        ours.append(seconds)
        assert run.status == "finished", run.error
        assert (run.rollouts, run.done) == (solutions * (STEPS - 1) * ROLLOUTS, solutions)
        told = model.stats()
        assert (told["repeated"], told["requests"]) == (0, run.requests)
        bares.append(asyncio.run(bare_client(url, prompts)))
    ratios = [one / ((bares[place] + bares[place + 1]) / 2) for place, one in enumerate(ours)]
    tell(f"estimation.{name}.bare_client", statistics.median(bares), "s")
    tell(f"estimation.{name}.run", statistics.median(ours), "s")
    tell(f"estimation.{name}.ratio", statistics.median(ratios), "times")
    tell(f"estimation.{name}.least_ratio", min(ours) / min(bares), "times")
    tell(f"estimation.{name}.requests", run.requests, "requests")
    tell(f"estimation.{name}.processor_per_request", 1000 * statistics.median(used) / run.requests, "ms")
    tell(f"estimation.{name}.most_in_flight", told["most_in_flight"], "requests")
    tell(f"estimation.{name}.rollouts", run.rollouts / statistics.median(ours), "rollouts/s")


def processor_s(pid: int) -> float:
    """Of all processes of our worker."""
    worker = psutil.Process(pid)
    times = [one.cpu_times() for one in (worker, *worker.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))


def a_project(slug: str) -> Any:
    from apps.accounts.models import User
    from apps.projects.services import create_project

    owner = User.objects.filter(email="bench@lab.example").first()
    owner = owner or User.objects.create_user(email="bench@lab.example", password="bench of ours")
    return create_project(slug=slug.replace("_", "-"), owner=owner)


def our_run(project: Any, url: str) -> tuple[float, Any]:
    """From the call until the row says finished, as a person sees it."""
    from apps.core.jobs.wakeups import wake_on_commit
    from apps.estimation.models import EstimationRun
    from apps.estimation.runs.services import start_run
    from apps.inference.models import Endpoint
    from apps.inference.services import add_endpoint

    endpoint = Endpoint.objects.filter(project=project).first() or add_endpoint(
        project=project, name="model", url=url, model="sums", settings={"max_in_flight": IN_FLIGHT}
    )
    started = time.perf_counter()
    run = start_run(
        project=project, endpoint=endpoint, strategy="math-shepherd", options={"rollouts": ROLLOUTS}, seed=1
    )
    wake_on_commit(EstimationRun.task, run.pk)
    while not run.has_ended and run.status != "paused":
        time.sleep(0.02)
        run.refresh_from_db()
    return time.perf_counter() - started, run


async def bare_client(url: str, prompts: list[str]) -> float:
    """The least that sends these requests with so many in flight and reads the answers."""
    import aiohttp
    import msgspec

    waiting = iter(enumerate(prompts))
    started = time.perf_counter()

    async def worker(session: aiohttp.ClientSession) -> None:
        for number, prompt in waiting:
            body = {
                "prompt": prompt,
                "model": "sums",
                "n": ROLLOUTS,
                "temperature": 0.7,
                "top_p": 1.0,
                "max_tokens": 1024,
                "seed": number,
                "top_k": 0,
                "min_p": 0.0,
            }
            async with session.post(f"{url}/completions", data=msgspec.json.encode(body)) as response:
                answer = msgspec.json.decode(await response.read())
                assert len(answer["choices"]) == ROLLOUTS

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(worker(session) for _ in range(IN_FLIGHT)))
    return time.perf_counter() - started


@contextmanager
def a_model() -> Iterator[str]:
    from tests.estimation.model import serving

    with serving() as url:
        yield url


@contextmanager
def workers() -> Iterator[int]:
    """Gives the process that the workers are children of."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "annotate",
        "worker",
        "-Q",
        "estimation",
        "-c",
        str(WORKERS),
        "-l",
        "WARNING",
        "--without-gossip",
        "--without-mingle",
    ]
    with subprocess.Popen(command, env=dict(os.environ), stderr=sys.stderr) as process:
        try:
            time.sleep(4)
            yield process.pid
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
