"""Annotate's own processes, started by a test on the test's database, and stopped with it."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

from annotate.celery import app
from annotate.local.supervisor import QUEUES, free_port, web_command, worker_command
from annotate.static_files import collect

ROOT = Path(__file__).resolve().parent.parent
# A machine that is busy with other things stalls now and then.
PATIENCE_S = 240.0
ALL_QUEUES = [*QUEUES.split(","), "estimation", "judging"]
AtWork = Callable[[], AbstractContextManager[None]]
StartWorker = Callable[..., AbstractContextManager[subprocess.Popen[bytes]]]


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


def any_worker(concurrency: int = 1, queues: str = ",".join(ALL_QUEUES)) -> list[str]:
    """One for all queues, or for these."""
    return worker_command(f"test-{time.monotonic_ns()}", queues, concurrency)


def eventually(true: Callable[[], bool], *, within: float = PATIENCE_S, every: float = 0.05) -> None:
    """Wait until it is true; fails when it does not become so. Patience costs nothing where all is well."""
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(every)


@pytest.fixture(scope="session")
def static_files(pytestconfig: pytest.Config) -> Path:
    """A folder with what `make run` collects, and its stamp: made once, and again when a source has changed."""
    assert pytestconfig.cache is not None
    home = pytestconfig.cache.mkdir("annotate-static")
    with (home / "lock").open("w") as lock, pytest.MonkeyPatch.context() as patch:
        fcntl.flock(lock, fcntl.LOCK_EX)
        patch.setenv("ANNOTATE_HOME", str(home))
        patch.delenv("DJANGO_SETTINGS_MODULE", raising=False)
        collect(home)
    return home


@pytest.fixture(scope="session")
def one_worker(django_db_setup: None) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker for all the tests of a process: to start one takes longer than most of them. It takes no messages."""
    with running(worker_command("shared", "none", 2)) as process:
        eventually(lambda: bool(app.control.ping(timeout=0.5, limit=1)))
        yield process


@contextmanager
def _taking_messages() -> Iterator[None]:
    for queue in ALL_QUEUES:
        app.control.add_consumer(queue, reply=True, limit=1, timeout=PATIENCE_S)
    try:
        yield
        eventually(is_idle)
    finally:
        for queue in ALL_QUEUES:
            app.control.cancel_consumer(queue, reply=True, limit=1, timeout=PATIENCE_S)


@pytest.fixture
def at_work(one_worker: subprocess.Popen[bytes], transactional_db: None) -> AtWork:
    """`with at_work():` a real Celery worker takes the messages of this test, and is done with them in the end."""
    with Redis.from_url(settings.REDIS_URL) as broker:
        broker.delete(*ALL_QUEUES)  # What tests before have left.
    return _taking_messages


@pytest.fixture
def worker(at_work: AtWork) -> Iterator[None]:
    """A real Celery worker, at work as long as the test."""
    with at_work():
        yield


@pytest.fixture
def start_worker(transactional_db: None) -> StartWorker:
    """`with start_worker() as process`: a worker of the test's own, to be killed."""
    return lambda concurrency=1, **queues: running(any_worker(concurrency, **queues))


def is_idle() -> bool:
    """Nothing waits in the broker, and nothing that was taken from it is under way."""
    with Redis.from_url(settings.REDIS_URL) as broker:
        if any(broker.llen(queue) for queue in ALL_QUEUES):
            return False
    inspect = app.control.inspect(limit=1, timeout=5)
    told = [*(inspect.reserved() or {"": ["no answer"]}).values(), *(inspect.active() or {"": ["no answer"]}).values()]
    return not any(told)


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
        with urlopen(f"{address}/healthz", timeout=10):
            return True
    except OSError:
        return False
