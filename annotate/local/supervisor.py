"""`make run`: the whole of Annotate as child processes of one parent.

Starts the embedded servers, prepares the database, starts web server, Celery workers and beat, prints
the ready line, restarts what dies, and leaves nothing running when it ends.
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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from types import FrameType
from typing import NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
import redis

from annotate.env import ROOT, Environment, load
from annotate.local.errors import LocalError
from annotate.local.processes import Child, Children, end_leftovers, say
from annotate.local.server_watch import ServerWatch
from annotate.local.servers import INSTALL, servers
from annotate.static_files import StaticFilesError, collect

READY_WITHIN_S = 180
QUEUES = "default,imports,exports"
LEDGER = "children.json"
OLDEST_POSTGRES = 150_000
CELERY = [sys.executable, "-m", "celery", "-A", "annotate"]


class ModelPorts(NamedTuple):
    """Where the bundled models are served, all by one process."""

    reasoner: int
    prm: int
    critic: int


def web_command(*, host: str = "127.0.0.1", port: int, workers: int = 2) -> list[str]:
    """Granian serves the WSGI application: see docs/decisions/0007-the-web-server.md for the figures."""
    return [
        *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", "4", "--no-ws", "--log-level", "warning"),
        *("--respawn-failed-workers", "annotate.wsgi:application"),
    ]


def commands(env: Environment, ports: ModelPorts | None) -> dict[str, list[str]]:
    processes = {
        "web": web_command(host=env.host, port=env.port, workers=env.web_workers),
        "worker": worker_command("annotate", QUEUES, env.worker_concurrency),
        # A worker of its own, as a run may keep its processes busy for hours.
        "estimator": worker_command("estimator", "estimation,judging", env.estimation_concurrency),
        "beat": [*CELERY, "beat", "-l", "WARNING", "--pidfile="],
    }
    if ports is not None:
        served = ["--port", str(ports.reasoner), "--prm-port", str(ports.prm), "--critic-port", str(ports.critic)]
        processes["reasoner"] = [sys.executable, "-m", "reasoner.serve", *served]
    return processes


def worker_command(name: str, queues: str, processes: int) -> list[str]:
    return [
        *(*CELERY, "worker", "-Q", queues, "-c", str(processes), "-l", "WARNING"),
        *("--without-gossip", "--without-mingle", "-n", f"{name}-{os.getpid()}@%h"),
    ]


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
        watch = ServerWatch(env)
        with alone(env), servers() as env:
            supervise(env, stopping, watch)
    except (LocalError, StaticFilesError) as error:
        sys.exit(f"annotate: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def alone(env: Environment) -> Iterator[None]:
    """Hold the lock of this ANNOTATE_HOME: one `make run` per folder and per port. Raises LocalError."""
    try:
        env.home.mkdir(parents=True, exist_ok=True)
        lock = (env.home / "run.lock").open("a+")
    except OSError as error:
        raise LocalError(
            f"ANNOTATE_HOME {env.home} cannot be written to: {error.strerror}. Set ANNOTATE_HOME to a folder that you own."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise LocalError(
                f"Annotate is already running in {env.home}: {lock.read().strip() or 'starting'}."
            ) from None
        end_leftovers(env.home / LEDGER)
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
            raise LocalError(
                f"Port {env.port} on {env.host} is not available: {error.strerror}. "
                "Set PORT to another, as in: make run PORT=8001"
            ) from error


def check_servers(env: Environment) -> None:
    """Servers named by URLs may be down. libpq's messages contain the host, never the password. Raises LocalError."""
    try:
        with psycopg.connect(env.database_url or "", connect_timeout=10) as connection:
            version = connection.info.server_version
    except psycopg.Error as error:
        raise LocalError(f"PostgreSQL at DATABASE_URL cannot be used: {_one_line(error)}.") from error
    if version < OLDEST_POSTGRES:
        raise LocalError(
            f"PostgreSQL {OLDEST_POSTGRES // 10_000} or later is needed; DATABASE_URL has {version // 10_000}."
        )
    try:
        with redis.Redis.from_url(env.redis_url or "", socket_connect_timeout=10) as client:
            client.ping()
    except redis.RedisError as error:
        raise LocalError(f"Redis at REDIS_URL cannot be used: {_one_line(error)}.") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")


def free_port() -> int:
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """Different ones: each stays bound until the last is found."""
    with ExitStack() as bound:
        probes = [bound.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def supervise(env: Environment, stopping: threading.Event, watch: ServerWatch) -> None:
    """Run everything until `stopping` is set. Raises LocalError."""
    check_servers(env)
    ports = ModelPorts(*free_ports(3)) if serves_reasoner(env) else None
    accounts = prepare(env, ports)
    logs = env.home / "logs"
    logs.mkdir(exist_ok=True)
    web, *workers = (Child(name, command, logs / f"{name}.log") for name, command in commands(env, ports).items())
    children = Children([web, *workers], env.home / LEDGER)
    try:
        # The web server first: people wait for it, so it does not share the processor with the workers' start.
        children.start(web)
        wait_until_ready(env, web, children, stopping)
        children.start(*workers)
        if not stopping.is_set():
            announce(env, accounts)
        while not stopping.wait(0.5):
            watch.look(stopping)
            children.watch()
    finally:
        say("stopping")
        children.stop()


def serves_reasoner(env: Environment) -> bool:
    """Raises LocalError when the reasoner is asked for and cannot be served."""
    is_installed = find_spec("xllamacpp") is not None
    if env.reasoner and not is_installed:
        raise LocalError(
            f"REASONER is set, and xllamacpp, which serves it, is not installed. Unset it, or install it: {INSTALL}"
        )
    return env.wants_reasoner and is_installed


def prepare(env: Environment, ports: ModelPorts | None) -> list[dict[str, str]]:
    """Migrate, seed the demo and collect static files; returns the demo's accounts."""
    command = [sys.executable, "-m", "annotate.local.prepare"]
    if ports is not None:
        for name, port in ports._asdict().items():
            command += [f"--{name}-url", f"http://127.0.0.1:{port}/v1"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False, start_new_session=True)
    if done.returncode:
        raise LocalError("The database could not be prepared: see above.")
    # After the database, so that an error of the database is reported without delay.
    collect(env.home)
    lines = done.stdout.splitlines()
    return list(json.loads(lines[-1])["accounts"]) if lines else []


def wait_until_ready(env: Environment, web: Child, children: Children, stopping: threading.Event) -> None:
    host = "127.0.0.1" if env.host == "0.0.0.0" else env.host  # noqa: S104 - compared, not bound
    deadline = time.monotonic() + READY_WITHIN_S
    while not stopping.is_set():
        children.watch()
        try:
            with urlopen(f"http://{host}:{env.port}/readyz", timeout=10):
                return
        except (URLError, OSError):
            if time.monotonic() > deadline:
                raise LocalError(f"The web server was not ready after {READY_WITHIN_S} s: see {web.log}") from None
        stopping.wait(0.1)


def announce(env: Environment, accounts: Sequence[dict[str, str]]) -> None:
    print(f"Annotate is ready at http://{env.host}:{env.port}", flush=True)  # noqa: T201
    for account in accounts:
        print(f"  {account['role']:<9} {account['email']:<24} password: {account['password']}", flush=True)  # noqa: T201
    print(f"Logs are in {env.home / 'logs'}. Ctrl-C stops it.", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
