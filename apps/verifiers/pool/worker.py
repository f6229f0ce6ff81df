"""A grading child: `python -m apps.verifiers.pool.worker LIMIT_S MEMORY_BYTES`, with its channel as standard input.

It handles one request after another until the channel closes or its parent exits. The parent kills it at the time
limit; if the parent has died by then, the kernel's alarm ends the child a little later, even inside C code.
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

from apps.verifiers.base import MEMORY_LIMIT, Grade, GradeOutcome, unparsed
from apps.verifiers.math import symbolic
from apps.verifiers.pool.protocol import ChannelClosed, Reply, Request, receive, send
from apps.verifiers.registry import VERIFIERS

ORPHAN_CHECK_S = 5.0
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")


def main() -> None:
    limit_s, memory = float(sys.argv[1]), int(sys.argv[2])
    # Ctrl-C reaches the whole process group; the parent closes its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # macOS cannot limit the address space; only the time limit applies there.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    # The channel is a duplicate, so that nothing else reads its messages from standard input.
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
        outcome = VERIFIERS[request.verifier].grade(request.reference, request.answer)
    except MemoryError:
        return Reply(Grade.UNPARSED, MEMORY_LIMIT, last=True)
    except RecursionError:
        outcome = unparsed("the answer is nested too deeply")
    spent = _peak_bytes() > memory // 4
    # After a peak this close to the limit an allocation may have failed. Sympy swallows that and continues, so a
    # result of "not equal" is not reliable, and the process ends.
    if spent and outcome.grade is not Grade.MATCH:
        outcome = GradeOutcome(Grade.UNPARSED, MEMORY_LIMIT)
    return Reply(outcome.grade, outcome.reason, last=spent)


def _peak_bytes() -> int:
    """The peak memory of this program alone: on Linux, getrusage includes the parent's before exec."""
    with contextlib.suppress(FileNotFoundError):
        peak = _PEAK.search(Path("/proc/self/status").read_text())
        return int(peak[1]) * 1024 if peak else 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


if __name__ == "__main__":
    main()
