"""The processes of one run: started, watched, restarted, and ended together with everything that they started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from annotate.env import ROOT
from annotate.local.errors import LocalError

STOP_WITHIN_S = 10
# A process that dies this often within a minute is not helped by another restart.
MAX_DEATHS = 5


@dataclass
class Child:
    """One process in a session of its own, so that the run can end it together with all its descendants."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_DEATHS))

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def watch(self) -> bool:
        """Restart the process if it has died; returns whether it had. Raises LocalError if restarts do not help."""
        if self.process is None or self.process.poll() is None:
            return False
        status, now = self.process.returncode, time.monotonic()
        self.deaths.append(now)
        if len(self.deaths) == MAX_DEATHS and now - self.deaths[0] < 60:
            raise LocalError(
                f"{self.name} died {MAX_DEATHS} times within a minute (last status {status}): see {self.log}"
            )
        say(f"{self.name} died (status {status}) and is started again; its log is {self.log}")
        # Its descendants must not outlive it: two web servers would share a port, two workers a task.
        signal_session(self.process.pid, signal.SIGKILL)
        self.start()
        return True

    def terminate(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, until: float) -> None:
        """Wait for its end until `until` of the monotonic clock, then kill it; its descendants end with it."""
        if self.process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.1, until - time.monotonic()))
        signal_session(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Children:
    """The children of a run. Their process numbers are kept in a file, in case the run itself is killed."""

    def __init__(self, children: Sequence[Child], ledger: Path) -> None:
        self.children = children
        self.ledger = ledger

    def start(self, *children: Child) -> None:
        for child in children:
            child.start()
            self._write_ledger()

    def watch(self) -> None:
        for child in self.children:
            if child.watch():
                self._write_ledger()

    def stop(self) -> None:
        """Terminate all at once, wait for all together, then kill what remains."""
        for child in self.children:
            child.terminate()
        until = time.monotonic() + STOP_WITHIN_S
        for child in self.children:
            child.wait(until)
        self.ledger.unlink(missing_ok=True)

    def _write_ledger(self) -> None:
        running = [child.process.pid for child in self.children if child.process is not None]
        # Replaced as a whole: a run that is killed at this moment leaves the previous list, not half of the new one.
        draft = self.ledger.with_suffix(".new")
        draft.write_text(json.dumps([[pid, started] for pid in running if (started := start_time(pid))]))
        draft.replace(self.ledger)


def end_leftovers(ledger: Path) -> None:
    """End the children of a run that was killed and could not end them itself.

    A process number may belong to another process by now: only one with the same start time is ours.
    """
    try:
        recorded = json.loads(ledger.read_text())
    except (FileNotFoundError, ValueError):
        return
    leftovers = [pid for pid, started in recorded if start_time(pid) == started]
    if leftovers:
        say("ending the processes of a run that was killed")
    for pid in leftovers:
        signal_session(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_WITHIN_S
    while any(map(psutil.pid_exists, leftovers)) and time.monotonic() < until:
        time.sleep(0.1)
    for pid in leftovers:
        signal_session(pid, signal.SIGKILL)
    ledger.unlink(missing_ok=True)


def start_time(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def signal_session(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def say(message: str) -> None:
    print(f"annotate: {message}", file=sys.stderr, flush=True)  # noqa: T201
