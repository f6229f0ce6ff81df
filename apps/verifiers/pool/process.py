"""One grading child, managed by its parent: started on demand, killed at the time limit, replaced when it dies."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from apps.verifiers.base import PROCESS_DIED, TIME_LIMIT, Grade, GradeOutcome, unparsed
from apps.verifiers.pool.protocol import Reply, Request, receive, send

START_LIMIT_S = 60.0
_ROOT = Path(__file__).resolve().parents[3]


class GraderFailed(RuntimeError):
    """The child process cannot be started."""


class Grader:
    """Not thread-safe: a pool lends it to one thread at a time.

    The child is a plain subprocess, because Celery's workers are daemonic and may not have multiprocessing children.
    A forked copy of the parent never uses its child: their messages would mix.
    """

    def __init__(self, *, limit_s: float, memory_bytes: int) -> None:
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._owner = 0

    @property
    def pid(self) -> int | None:
        """The child's process id, None while there is no child."""
        return self._process.pid if self._process else None

    def grade(self, verifier: str, reference: str, answer: str) -> GradeOutcome:
        """The outcome within the limit. A child that dies is replaced, and the pair is tried once more.

        Raises GraderFailed if no child can be started.
        """
        request = Request(verifier, reference, answer)
        for _ in range(2):
            channel = self._connect()
            deadline = time.monotonic() + self._limit_s
            try:
                channel.settimeout(self._limit_s)
                send(channel, request)
                reply = receive(channel, Reply, deadline=deadline)
                if reply.last:
                    self.close()
                return GradeOutcome(Grade(reply.grade), reply.reason)
            except TimeoutError:
                self.close()
                return unparsed(TIME_LIMIT)
            except OSError:
                # ChannelClosed, a reset or a broken pipe: the child is gone.
                self.close()
        return unparsed(PROCESS_DIED)

    def close(self) -> None:
        """Kill the child, if there is one. A later `grade` starts another."""
        process, self._process = self._process, None
        channel, self._channel = self._channel, None
        if channel:
            channel.close()
        if process and self._owner == os.getpid():
            process.kill()
            process.wait()

    def _connect(self) -> socket.socket:
        """The channel to the child, which is started if there is none or if the parent has been forked."""
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
        parent_end, child_end = socket.socketpair()
        self._channel = parent_end
        command = [sys.executable, "-m", "apps.verifiers.pool.worker", str(self._limit_s), str(self._memory_bytes)]
        with child_end:
            self._process = subprocess.Popen(command, stdin=child_end.fileno(), stdout=subprocess.DEVNULL, cwd=_ROOT)
        # Importing sympy takes a second or more, which does not count towards the first pair's limit.
        receive(parent_end, Reply, deadline=time.monotonic() + START_LIMIT_S)
        return parent_end
