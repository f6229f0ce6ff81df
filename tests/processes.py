"""Annotate's own processes, started by a test on the test's database, and stopped with it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.db import connection

from annotate.local.supervisor import QUEUES, free_port, web_command, worker_command

ROOT = Path(__file__).resolve().parent.parent


def environment() -> dict[str, str]:
    """The test's own database, broker and folder, for a process of ours."""
    name = str(connection.settings_dict["NAME"])
    database = urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{name}"))
    settings.PROCESS_HOME.mkdir(parents=True, exist_ok=True)
    return {
        **os.environ,
        "DATABASE_URL": database,
        "REDIS_URL": settings.REDIS_URL,
        "ANNOTATE_HOME": str(settings.PROCESS_HOME),
        "DJANGO_SETTINGS_MODULE": "annotate.settings",
        "API_RATE": "1000000/min",
        # Sessions that a test makes are good there too.
        "SECRET_KEY": settings.SECRET_KEY,
    }


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a session of its own; whatever is left of the session is killed in the end."""
    with subprocess.Popen(command, cwd=ROOT, env=environment(), start_new_session=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """kill -9, with all its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def any_worker(concurrency: int = 1) -> list[str]:
    """One for all queues."""
    return worker_command(f"test-{time.monotonic_ns()}", f"{QUEUES},estimation", concurrency)


def eventually(true: Callable[[], bool], *, within: float = 60, every: float = 0.05) -> None:
    """Wait until it is true; fails when it does not become so."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(every)


@pytest.fixture
def worker(transactional_db: None) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker."""
    with running(any_worker()) as process:
        yield process


@contextmanager
def web_server() -> Iterator[str]:
    """The real web server, as `make run` starts it; gives its address."""
    port = free_port()
    with running(web_command(port=port)):
        address = f"http://127.0.0.1:{port}"
        eventually(lambda: _is_ready(address))
        yield address


@pytest.fixture(scope="session")
def one_web_server(django_db_setup: None) -> Iterator[str]:
    """One for all the tests of a worker: to start one takes longer than most of them."""
    with web_server() as address:
        yield address


@pytest.fixture
def web(one_web_server: str, transactional_db: None) -> Iterator[str]:
    """The address of the real web server."""
    yield one_web_server
    await_silence()


def await_silence(moments: int = 4, every: float = 0.05) -> None:
    """Wait until nobody else asks the database: what a page sends when it closes would meet the emptying of tables."""
    silent = 0

    def is_silent() -> bool:
        nonlocal silent
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT count(*) FROM pg_stat_activity
                   WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'"""
            )
            silent = 0 if cursor.fetchone()[0] else silent + 1
        return silent >= moments

    eventually(is_silent, every=every)


def _is_ready(address: str) -> bool:
    try:
        with urlopen(f"{address}/healthz", timeout=1):
            return True
    except OSError:
        return False
