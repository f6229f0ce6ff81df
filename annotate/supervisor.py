"""`make run`: everything that Annotate is made of, as processes of one parent.

Starts the servers, brings the database up to date, starts web server, Celery worker and beat, prints
the ready line, starts again what dies, and leaves nothing running when it ends.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from urllib.error import URLError
from urllib.request import urlopen

from annotate.embedded import EmbeddedError, servers
from annotate.env import ROOT, Environment, load

READY_WITHIN_S = 60
STOP_WITHIN_S = 10
# A child that dies so often within a minute will not get well by being started again.
TOO_OFTEN = 5
QUEUES = "default,imports,exports"


class CannotRun(RuntimeError):
    """One sentence for the user, with the mend."""


def web_command(*, host: str = "127.0.0.1", port: int, workers: int = 2) -> list[str]:
    """Granian serves the WSGI application: see docs/decisions/0007-the-web-server.md for the figures."""
    return [
        sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
        "--workers", str(workers), "--blocking-threads", "4", "--no-ws", "--log-level", "warning",
        "--respawn-failed-workers", "annotate.wsgi:application",
    ]  # fmt: skip


def commands(env: Environment) -> dict[str, list[str]]:
    celery = [sys.executable, "-m", "celery", "-A", "annotate"]
    return {
        "web": web_command(host=env.host, port=env.port, workers=env.web_workers),
        "worker": [
            *celery, "worker", "-Q", QUEUES, "-c", str(env.worker_concurrency), "-l", "WARNING", "--without-gossip",
            "--without-mingle", "-n", f"annotate-{os.getpid()}@%h",
        ],
        "beat": [*celery, "beat", "-l", "WARNING", "--pidfile=", "--schedule", str(env.home / "beat")],
    }  # fmt: skip


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

    def watch(self) -> None:
        """Start it again when it has died. Raises CannotRun when that does not help."""
        if self.process is None or self.process.poll() is None:
            return
        status, now = self.process.returncode, time.monotonic()
        self.deaths.append(now)
        if len(self.deaths) == TOO_OFTEN and now - self.deaths[0] < 60:
            raise CannotRun(
                f"{self.name} died {TOO_OFTEN} times within a minute (last status {status}): see {self.log}"
            )
        say(f"{self.name} died (status {status}) and is started again; its log is {self.log}")
        self.start()

    def signal(self, number: signal.Signals) -> None:
        """To the whole session: the worker's own children are not left behind."""
        if self.process is not None:
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                return

    def tell_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, until: float) -> None:
        if self.process is None:
            return
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.1, until - time.monotonic()))
        self.signal(signal.SIGKILL)
        self.process.wait()


def main() -> None:
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if stopping.is_set():
            raise KeyboardInterrupt
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        env = load()
        with alone(env), servers() as env:
            supervise(env, stopping)
    except (EmbeddedError, CannotRun) as error:
        sys.exit(f"annotate: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def alone(env: Environment) -> Iterator[None]:
    """One `make run` per ANNOTATE_HOME and per port."""
    try:
        env.home.mkdir(parents=True, exist_ok=True)
        lock = (env.home / "run.lock").open("a+")
    except OSError as error:
        raise CannotRun(
            f"ANNOTATE_HOME {env.home} cannot be written: {error.strerror}. Set ANNOTATE_HOME to a folder of yours."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotRun(f"It is running already on {env.home}: {lock.read().strip() or 'starting'}.") from None
        check_port(env)
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, http://{env.host}:{env.port}")
        lock.flush()
        yield


def check_port(env: Environment) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((env.host, env.port))
        except OSError as error:
            raise CannotRun(
                f"Port {env.port} on {env.host} cannot be had: {error.strerror}. Set PORT to another, as in: make run PORT=8001"
            ) from error


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def supervise(env: Environment, stopping: threading.Event) -> None:
    """Until told to stop."""
    accounts = prepare(env)
    logs = env.home / "logs"
    logs.mkdir(exist_ok=True)
    children = [Child(name, command, logs / f"{name}.log") for name, command in commands(env).items()]
    try:
        for child in children:
            child.start()
        wait_until_ready(env, children, stopping)
        if not stopping.is_set():
            announce(env, accounts)
        while not stopping.wait(0.5):
            for child in children:
                child.watch()
    finally:
        stop_all(children)


def prepare(env: Environment) -> list[dict[str, str]]:
    """Static files, migrations, the demo; gives the demo's accounts."""
    from annotate.assets import collect

    collect(env.home)
    manage("migrate", "--verbosity", "0")
    if not env.demo:
        return []
    return list(json.loads(manage("seed_demo", "--json").splitlines()[-1])["accounts"])


def manage(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        start_new_session=True,
    )
    if done.returncode:
        raise CannotRun(f"`manage.py {' '.join(words)}` failed: see above.")
    return done.stdout


def wait_until_ready(env: Environment, children: Sequence[Child], stopping: threading.Event) -> None:
    host = "127.0.0.1" if env.host == "0.0.0.0" else env.host  # noqa: S104 - compared, not bound
    deadline = time.monotonic() + READY_WITHIN_S
    while not stopping.is_set():
        for child in children:
            child.watch()
        try:
            with urlopen(f"http://{host}:{env.port}/readyz", timeout=2):
                return
        except (URLError, OSError):
            if time.monotonic() > deadline:
                raise CannotRun(
                    f"The web server was not ready after {READY_WITHIN_S} s: see {children[0].log}"
                ) from None
        stopping.wait(0.1)


def announce(env: Environment, accounts: Sequence[dict[str, str]]) -> None:
    print(f"Annotate is ready at http://{env.host}:{env.port}", flush=True)  # noqa: T201
    for account in accounts:
        print(f"  {account['role']:<9} {account['email']:<24} password: {account['password']}", flush=True)  # noqa: T201
    print(f"Logs are in {env.home / 'logs'}. Ctrl-C stops it.", flush=True)  # noqa: T201


def stop_all(children: Sequence[Child]) -> None:
    """Ask all at once, wait together, then end what is left."""
    say("stopping")
    for child in children:
        child.tell_to_stop()
    until = time.monotonic() + STOP_WITHIN_S
    for child in children:
        child.wait(until)


def say(message: str) -> None:
    print(f"annotate: {message}", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
