"""Estimation against a bare aiohttp client that sends the same requests: wall time, as a ratio.

    python -m tests.benchmarks.bench_estimation [SOLUTIONS]

1,000 solutions of 6 steps, N = 8, 256 in flight, two Celery worker processes; a server with a latency of 200 ms, then
one with a latency per token besides. The bare client runs once before and once after, and the mean counts.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

STEPS, ROLLOUTS, IN_FLIGHT, WORKERS = 6, 8, 256, 2
FAULTS = {"fixed": {"latency_s": 0.2}, "per_token": {"latency_s": 0.02, "per_token_s": 0.0045}}


def main() -> None:
    solutions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with a_database(), a_model() as url, workers():
        for name, faults in FAULTS.items():
            measure(name, faults, url, solutions)


def measure(name: str, faults: dict[str, float], url: str, solutions: int) -> None:
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
    bare = asyncio.run(bare_client(url, prompts))
    model.forget()
    ours, run = our_run(project, url)
    told = model.stats()
    bare = (bare + asyncio.run(bare_client(url, prompts))) / 2
    assert run.status == "finished", run.error
    assert (run.rollouts, run.done) == (solutions * (STEPS - 1) * ROLLOUTS, solutions)
    tell(f"estimation.{name}.bare_client", bare, "s")
    tell(f"estimation.{name}.run", ours, "s")
    tell(f"estimation.{name}.ratio", ours / bare, "times")
    tell(f"estimation.{name}.requests", run.requests, "requests")
    tell(f"estimation.{name}.most_in_flight", told["most_in_flight"], "requests")
    tell(f"estimation.{name}.rollouts", run.rollouts / ours, "rollouts/s")


def a_project(slug: str) -> Any:
    from apps.accounts.models import User
    from apps.projects.services import create_project

    owner = User.objects.filter(email="bench@lab.example").first()
    owner = owner or User.objects.create_user(email="bench@lab.example", password="bench of ours")
    return create_project(slug=slug.replace("_", "-"), owner=owner)


def our_run(project: Any, url: str) -> tuple[float, Any]:
    """From the call until the row says finished, as a person sees it."""
    from apps.estimation.services import start_run
    from apps.estimation.tasks import call_workers
    from apps.inference.services import add_endpoint

    endpoint = add_endpoint(project=project, name="model", url=url, model="sums", settings={"max_in_flight": IN_FLIGHT})
    started = time.perf_counter()
    run = start_run(
        project=project, endpoint=endpoint, strategy="math-shepherd", options={"rollouts": ROLLOUTS}, seed=1
    )
    call_workers(run.pk)
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
                "prompt": prompt, "model": "sums", "n": ROLLOUTS, "temperature": 0.7, "top_p": 1.0, "max_tokens": 1024,
                "seed": number, "top_k": 0, "min_p": 0.0,
            }  # fmt: skip
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
def workers() -> Iterator[None]:
    command = [
        sys.executable, "-m", "celery", "-A", "annotate", "worker", "-Q", "estimation", "-c", str(WORKERS), "-l", "WARNING",
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip
    with subprocess.Popen(command, env=dict(os.environ), stderr=sys.stderr) as process:
        try:
            time.sleep(4)
            yield
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
