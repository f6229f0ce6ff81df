"""A grading child: `python -m apps.verifiers.pool.worker LIMIT_S MEMORY_BYTES`, its channel as standard input.

It answers one request after another until the channel closes or its parent is gone. The parent kills it at
the limit; should the parent have died by then, the kernel's alarm ends it a little later, even inside C code.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import signal
import socket
import sys
from pathlib import Path

from apps.verifiers.base import MEMORY_LIMIT, Grade, Outcome, unparsed
from apps.verifiers.math import symbolic
from apps.verifiers.pool.protocol import ChannelClosed, Reply, Request, receive, send
from apps.verifiers.registry import VERIFIERS

ORPHAN_CHECK_S = 5.0
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def main() -> None:
    limit_s, memory = float(sys.argv[1]), int(sys.argv[2])
    # Ctrl-C goes to the whole process group; the parent closes its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # macOS bounds no address space and says so; there the time limit has to do.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # The channel is a duplicate: standard input itself must not hold what the parent says.
    with socket.socket(fileno=os.dup(0)) as channel:
        symbolic.warm_up()
        send(channel, Reply(Grade.MATCH, "ready"))
        _serve(channel, limit_s, memory)


def _serve(channel: socket.socket, limit_s: float, memory: int) -> None:
    parent = os.getppid()
    channel.settimeout(ORPHAN_CHECK_S)
    while os.getppid() == parent:
        try:
            request = receive(channel, Request)
        except TimeoutError:
            continue
        except (ChannelClosed, ConnectionError):
            return
        signal.setitimer(signal.ITIMER_REAL, limit_s + 1)
        reply = _grade(request, memory)
        signal.setitimer(signal.ITIMER_REAL, 0)
        send(channel, reply)
        if reply.last:
            return


def _grade(request: Request, memory: int) -> Reply:
    try:
        outcome = VERIFIERS[request.verifier].settle(request.reference, request.answer)
    except MemoryError:
        return Reply(Grade.UNPARSED, MEMORY_LIMIT, last=True)
    except RecursionError:
        outcome = unparsed("nested too deeply")
    spent = _spent(memory)
    # Sympy swallows a failed allocation and goes on; what it then finds unequal nobody knows.
    if spent and outcome.grade is not Grade.MATCH:
        outcome = Outcome(Grade.UNPARSED, MEMORY_LIMIT)
    return Reply(outcome.grade, outcome.reason, last=spent)


def _spent(memory: int) -> bool:
    """Has this process ever come near its limit? Then some allocation may have failed, and it is to end."""
    return _peak_bytes() > memory // 4


def _peak_bytes() -> int:
    """Of this program alone: what getrusage says on Linux includes what the parent was before exec."""
    with contextlib.suppress(FileNotFoundError):
        peak = _PEAK.search(Path("/proc/self/status").read_text())
        return int(peak[1]) * 1024 if peak else 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
