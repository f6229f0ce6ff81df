"""One grading child, seen from its parent: started when needed, killed at the time limit, replaced when dead."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from apps.verifiers.base import DIED, TIME_LIMIT, Grade, Outcome, unparsed
from apps.verifiers.pool.protocol import Reply, Request, receive, send

START_LIMIT_S = 60.0
_ROOT = Path(__file__).resolve().parents[3]


class GraderFailed(RuntimeError):
    """The child process cannot be started at all."""


class Grader:
    """Not safe for two threads at once: a pool lends it to one at a time.

    A child is a process of its own and no multiprocessing one: Celery's workers are daemonic and may not
    have those. It is never shared with a forked copy of its parent, whose messages would mix with ours.
    """

    def __init__(self, *, limit_s: float, memory_bytes: int) -> None:
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._owner = 0

    @property
    def pid(self) -> int | None:
        """Of the child, None while there is none."""
        return self._process.pid if self._process else None

    def settle(self, verifier: str, reference: str, answer: str) -> Outcome:
        """The verdict within the limit. A child that something else killed is replaced, and asked again once."""
        request = Request(verifier, reference, answer)
        for _ in range(2):
            channel = self._started()
            deadline = time.monotonic() + self._limit_s
            try:
                return self._ask(channel, request, deadline)
            except TimeoutError:
                self.close()
                return unparsed(TIME_LIMIT)
            except OSError:
                # ChannelClosed, a reset or a broken pipe: the child is gone.
                self.close()
        return unparsed(DIED)

    def close(self) -> None:
        """Kills the child, if there is one. A later `settle` starts another."""
        process, self._process = self._process, None
        channel, self._channel = self._channel, None
        if channel:
            channel.close()
        if process and self._owner == os.getpid():
            process.kill()
            process.wait()

    def _ask(self, channel: socket.socket, request: Request, deadline: float) -> Outcome:
        channel.settimeout(self._limit_s)
        send(channel, request)
        reply = receive(channel, Reply, deadline=deadline)
        if reply.last:
            self.close()
        return Outcome(Grade(reply.grade), reply.reason)

    def _started(self) -> socket.socket:
        if self._channel and self._owner == os.getpid():
            return self._channel
        self.close()
        try:
            return self._start()
        except OSError as failure:
            self.close()
            raise GraderFailed(f"a grading process did not start: {failure!r}") from failure

    def _start(self) -> socket.socket:
        self._owner = os.getpid()
        ours, theirs = socket.socketpair()
        self._channel = ours
        with theirs:
            self._process = subprocess.Popen(
                self._command(), stdin=theirs.fileno(), stdout=subprocess.DEVNULL, cwd=_ROOT
            )
        # Importing sympy takes a second or more, which is not the first pair's to pay.
        receive(ours, Reply, deadline=time.monotonic() + START_LIMIT_S)
        return ours

    def _command(self) -> list[str]:
        return [sys.executable, "-m", "apps.verifiers.pool.worker", str(self._limit_s), str(self._memory_bytes)]
