"""The setting of benchmarks of runs: worker processes, a model server, and a bare client that sends the same requests.

Both may have other work on the machine beside them, so each round has the bare client before and after the run, and
what is told are medians of the rounds' ratios. Workers of another checkout may take turns with ours.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import psutil

from tests.benchmarks.report import tell

IN_FLIGHT, WORKERS = 256, 2
OURS = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True, slots=True)
class Spent:
    """What requests took: seconds by the clock and of the processor, and the most memory of one process in bytes."""

    requests: int
    wall_s: float
    processor_s: float
    memory: int = 0


@dataclass
class Rounds:
    """The rounds of one checkout's workers in one setting, each with the bare client's share."""

    name: str
    runs: list[Spent] = field(default_factory=list)
    bares: list[Spent] = field(default_factory=list)

    def add(self, run: Callable[[], Spent], bare: Callable[[], Spent]) -> None:
        before, ours, after = bare(), run(), bare()
        self.runs.append(ours)
        wall_s, processor_s = before.wall_s + after.wall_s, before.processor_s + after.processor_s
        self.bares.append(Spent(before.requests, wall_s / 2, processor_s / 2))

    @property
    def processor_ms(self) -> float:
        """Per request."""
        return statistics.median(1000 * run.processor_s / run.requests for run in self.runs)

    def tell(self) -> None:
        pairs = list(zip(self.runs, self.bares, strict=True))
        bare_ms = [1000 * bare.processor_s / bare.requests for bare in self.bares]
        shares = [(run.processor_s / run.requests) / (bare.processor_s / bare.requests) for run, bare in pairs]
        tell(f"{self.name}.bare_client", statistics.median(bare.wall_s for bare in self.bares), "s")
        tell(f"{self.name}.run", statistics.median(run.wall_s for run in self.runs), "s")
        tell(f"{self.name}.ratio", statistics.median(run.wall_s / bare.wall_s for run, bare in pairs), "times")
        tell(f"{self.name}.least_ratio", min(run.wall_s / bare.wall_s for run, bare in pairs), "times")
        tell(f"{self.name}.requests", self.runs[-1].requests, "requests")
        tell(f"{self.name}.processor_per_request", self.processor_ms, "ms")
        tell(f"{self.name}.processor_of_bare_client", statistics.median(bare_ms), "ms")
        tell(f"{self.name}.processor_ratio", statistics.median(shares), "times")
        tell(f"{self.name}.worker_memory", max(run.memory for run in self.runs) / 1e6, "MB")


def tell_both(ours: Rounds, other: Rounds | None) -> None:
    """Our figures, those of the other checkout, and our processor time as a multiple of its."""
    ours.tell()
    if other is not None:
        other.tell()
        tell(f"{ours.name}.processor_against_other", ours.processor_ms / other.processor_ms, "times")


def bare_client(url: str, bodies: Sequence[dict[str, Any]], choices: int) -> Spent:
    """The least that sends these requests with so many in flight and reads the answers."""
    waiting = iter(bodies)

    async def worker(session: aiohttp.ClientSession) -> None:
        for body in waiting:
            async with session.post(url, data=msgspec.json.encode(body)) as response:
                answer = msgspec.json.decode(await response.read())
                assert len(answer["choices"]) == choices

    async def send_all() -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            await asyncio.gather(*(worker(session) for _ in range(IN_FLIGHT)))

    started, processor_s = time.perf_counter(), time.process_time()
    asyncio.run(send_all())
    return Spent(len(bodies), time.perf_counter() - started, time.process_time() - processor_s)


class Workers:
    """The worker processes below one process, seen from outside."""

    def __init__(self, pid: int) -> None:
        self._parent = psutil.Process(pid)

    def processor_s(self) -> float:
        times = [process.cpu_times() for process in (self._parent, *self._parent.children(recursive=True))]
        return float(sum(one.user + one.system for one in times))

    def memory(self) -> int:
        """The most that one of them uses now, in bytes."""
        return max((child.memory_info().rss for child in self._parent.children(recursive=True)), default=0)

    def measured(self, start: Callable[[], Any]) -> tuple[Spent, Any]:
        """From the start of a run until its row says that it has ended, as a person sees it; and the run."""
        processor_s, memory, checked_at = self.processor_s(), 0, 0.0
        started = time.perf_counter()
        run = start()
        while not run.has_ended and run.status != "paused":
            time.sleep(0.02)
            run.refresh_from_db()
            if time.perf_counter() > checked_at + 0.2:
                memory, checked_at = max(memory, self.memory()), time.perf_counter()
        wall_s = time.perf_counter() - started
        assert run.status == "finished", run.error
        return Spent(run.requests, wall_s, self.processor_s() - processor_s, memory), run


@contextmanager
def workers(checkout: Path = OURS, queue: str = "estimation") -> Iterator[Workers]:
    """Worker processes that run the code of this checkout, whose tables must be like ours."""
    command = [
        *(sys.executable, "-m", "celery", "-A", "annotate", "worker", "-Q", queue, "-c", str(WORKERS)),
        *("-l", "WARNING", "--without-gossip", "--without-mingle"),
    ]
    with subprocess.Popen(command, env=dict(os.environ), cwd=checkout, stdout=subprocess.DEVNULL) as process:
        try:
            time.sleep(4)
            yield Workers(process.pid)
        finally:
            process.terminate()
