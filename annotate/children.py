"""The processes of one run: started, watched, started again, and ended with all that they started."""

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

STOP_WITHIN_S = 10
# A child that dies so often within a minute will not get well by being started again.
TOO_OFTEN = 5


class CannotRun(RuntimeError):
    """One sentence for the user, with the mend."""


@dataclass
class Child:
    """One process, in a session of its own, so that it ends when we say so and with all its own."""

    name: str
    command: Sequence[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=TOO_OFTEN))

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    def watch(self) -> bool:
        """Start it again when it has died, and say so. Raises CannotRun when that does not help."""
        if self.process is None or self.process.poll() is None:
            return False
        status, now = self.process.returncode, time.monotonic()
        self.deaths.append(now)
        if len(self.deaths) == TOO_OFTEN and now - self.deaths[0] < 60:
            raise CannotRun(
                f"{self.name} died {TOO_OFTEN} times within a minute (last status {status}): see {self.log}"
            )
        say(f"{self.name} died (status {status}) and is started again; its log is {self.log}")
        # What it had started does not outlive it: two web servers would share a port, two workers a task.
        _signal_session(self.process.pid, signal.SIGKILL)
        self.start()
        return True

    def tell_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, until: float) -> None:
        """Until it has ended, at the latest by `until` of the monotonic clock; its own children end with it."""
        if self.process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.1, until - time.monotonic()))
        _signal_session(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Children:
    """The children of a run, whose process numbers are kept in a file for the case that the run is killed."""

    def __init__(self, children: Sequence[Child], ledger: Path) -> None:
        self.children = children
        self.ledger = ledger

    def start(self, *children: Child) -> None:
        for child in children:
            child.start()
            self._write_down()

    def watch(self) -> None:
        for child in self.children:
            if child.watch():
                self._write_down()

    def stop(self) -> None:
        """Ask all at once, wait together, then end what is left."""
        for child in self.children:
            child.tell_to_stop()
        until = time.monotonic() + STOP_WITHIN_S
        for child in self.children:
            child.wait(until)
        self.ledger.unlink(missing_ok=True)

    def _write_down(self) -> None:
        running = [child.process.pid for child in self.children if child.process is not None]
        # Put in place whole: a run that is killed right here leaves the list that stood before, not half a one.
        draft = self.ledger.with_suffix(".new")
        draft.write_text(json.dumps([[pid, started] for pid in running if (started := _started(pid))]))
        draft.replace(self.ledger)


def end_leftovers(ledger: Path) -> None:
    """End what a run has left that was killed and could not end its children itself.

    A number may long be another process's: only one that started at the same moment is ours.
    """
    try:
        known = json.loads(ledger.read_text())
    except (FileNotFoundError, ValueError):
        return
    left = [pid for pid, started in known if _started(pid) == started]
    if left:
        say("ending what a killed run has left")
    for pid in left:
        _signal_session(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_WITHIN_S
    while any(map(psutil.pid_exists, left)) and time.monotonic() < until:
        time.sleep(0.1)
    for pid in left:
        _signal_session(pid, signal.SIGKILL)
    ledger.unlink(missing_ok=True)


def _started(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return None


def _signal_session(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def say(message: str) -> None:
    print(f"annotate: {message}", file=sys.stderr, flush=True)  # noqa: T201
