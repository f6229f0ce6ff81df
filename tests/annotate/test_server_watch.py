"""The embedded servers, killed under a run: started again, and said so."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from annotate.env import Environment
from annotate.local.errors import LocalError
from annotate.local.server_watch import ServerWatch
from annotate.local.servers import (
    is_postgres_alive,
    is_valkey_alive,
    start_postgres,
    start_valkey,
    stop_postgres,
    stop_valkey,
)
from tests.processes import eventually


@pytest.fixture
def home() -> Iterator[Path]:
    # Not in tmp_path: its name is too long for a socket.
    with tempfile.TemporaryDirectory(prefix="annotate-own-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def watch_of(home: Path, **more: str) -> ServerWatch:
    return ServerWatch(Environment(annotate_home=home, **{"database_url": None, "redis_url": None, **more}))  # type: ignore[arg-type]


def killed(pid_file: Path) -> int:
    process = psutil.Process(int(pid_file.read_text().split()[0]))
    process.kill()
    return process.pid


def said_until(text: str, watch: ServerWatch, capsys: pytest.CaptureFixture[str]) -> str:
    """What the watch says while it looks again and again, as a run does."""
    said = ""

    def is_said() -> bool:
        nonlocal said
        watch.look(threading.Event())
        said += capsys.readouterr().err
        return text in said

    eventually(is_said)
    return said


def test_both_are_started_again_and_keep_what_they_had(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watch, stopping = watch_of(home), threading.Event()
    try:
        database, broker = start_postgres(home / "postgres"), start_valkey(home / "valkey")
        watch.look(stopping)
        assert capsys.readouterr().err == ""
        with psycopg.connect(database) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")

        for name, file in (("PostgreSQL", "postgres/postmaster.pid"), ("Valkey", "valkey/valkey.pid")):
            pid = killed(home / file)
            said = said_until(f"{name} answers again", watch, capsys)
            assert f"{name} died and is started again" in said
            assert int((home / file).read_text().split()[0]) != pid
        with psycopg.connect(database) as connection:
            assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        with redis.Redis.from_url(broker) as client:
            assert client.ping()

        # Whoever is told to stop starts nothing any more.
        killed(home / "valkey/valkey.pid")
        stopping.set()
        watch.look(stopping)
        assert capsys.readouterr().err == ""
    finally:
        stop_valkey(home / "valkey")
        stop_postgres(home / "postgres")


def test_one_that_will_not_get_well_ends_the_run(home: Path) -> None:
    watch, stopping = watch_of(home, database_url="postgresql://elsewhere/annotate"), threading.Event()
    (server,) = watch.servers
    starts = []
    server.start = lambda folder: str(starts.append(folder))
    for _ in range(4):
        watch.look(stopping)
    with pytest.raises(LocalError, match="Valkey died 5 times within a minute"):
        watch.look(stopping)
    assert len(starts) == 4


def test_servers_that_are_named_are_their_operators(home: Path) -> None:
    watch = watch_of(home, database_url="postgresql://elsewhere/annotate", redis_url="redis://elsewhere/0")
    assert watch.servers == []


def test_a_number_that_is_another_process_s_now_is_no_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, file, is_alive in (
        ("postgres", "postmaster.pid", is_postgres_alive),
        ("valkey", "valkey.pid", is_valkey_alive),
    ):
        folder = home / name
        folder.mkdir()
        (folder / file).write_text(f"{os.getpid()}\n{folder}\n")
        assert not is_alive(folder)
        monkeypatch.chdir(folder)
        assert is_alive(folder)
        link = home / f"{name}-link"
        link.symlink_to(folder)
        assert is_alive(link)
        monkeypatch.undo()
