"""`make run` from its first start to its end, and what it says when it cannot."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

import psutil
import psycopg
import pytest
from django.conf import settings

from annotate.local.processes import Child, end_leftovers
from annotate.local.supervisor import QUEUES
from tests.annotate.conftest import Run, left_behind, run
from tests.database import copy_of
from tests.processes import PATIENCE_S, eventually


def test_a_first_run_brings_everything_and_is_the_only_one_on_its_folder(home: Path) -> None:
    with run(home) as one:
        one.until_ready()
        assert f"Annotate is ready at {one.address}" in one.said
        for role in ("owner", "reviewer", "labeler"):
            assert f"{role}@demo.example" in one.said
        with urlopen(f"{one.address}/accounts/login/") as page:
            text = page.read().decode()
        assert page.status == 200
        stylesheet = text.partition('rel="stylesheet" href="')[2].partition('"')[0]
        with urlopen(one.address + stylesheet) as style:
            assert style.headers["Content-Type"].startswith("text/css")

        with run(home) as second:
            assert second.process.wait(PATIENCE_S) == 1
        assert f"Annotate is already running in {home}" in second.said
        assert "Traceback" not in second.said
        # One process serves all bundled models.
        served = one.child("-m reasoner.serve").cmdline()
        for option in ("--port", "--prm-port", "--critic-port"):
            port = served[served.index(option) + 1]
            eventually(lambda port=port: status_of(f"http://127.0.0.1:{port}/health") == 200)  # type: ignore[misc]


def test_a_run_lives_through_what_may_befall_it(bare: Path) -> None:
    """One run for all of it, as a start takes seconds; without the demo, whose growing keeps every processor busy."""
    home, no_demo = bare, {"DEMO": "0"}
    with run(home, no_demo) as one:
        one.until_ready()
        kill_and_see_again(one, "worker", f"worker -Q {QUEUES}")
        kill_and_see_again(one, "web", "-m granian")
        eventually(lambda: answers(one.address))

        for name, pid_file in (("PostgreSQL", "postgres/postmaster.pid"), ("Valkey", "valkey/valkey.pid")):
            kill_server_and_see_again(one, name, home / pid_file)

        # A run that is killed cannot clean up; the next one does it.
        web = one.child("-m granian")
        one.process.kill()
        one.process.wait()
        assert web.is_running()
        with run(home, no_demo, port=one.port) as next_one:
            next_one.until_ready()
            assert "ending the processes of a run that was killed" in next_one.said
            assert not web.is_running()
            assert next_one.end(signal.SIGINT) == 0
        assert "Traceback" not in next_one.said
    eventually(lambda: not left_behind(home))


def test_servers_that_are_named_are_used_and_left_alone_and_take_no_optional_package(
    bare: Path, template: str, without_local: dict[str, str]
) -> None:
    home = bare
    more = {
        **without_local,
        "REDIS_URL": settings.REDIS_URL,
        "SECURE": "1",
        "ALLOWED_HOSTS": "annotate.example",
    }
    with copy_of(template, "annotate_named") as url, run(home, more | {"DATABASE_URL": url}) as one:
        one.until_ready()
        assert not (home / "postgres").exists()
        assert not (home / "valkey").exists()
        assert "owner@demo.example" not in one.said
        with urlopen(f"{one.address}/readyz") as answer:
            assert json.load(answer)["checks"]["database"] == "ok"
        assert one.end() == 0


def test_a_taken_port_is_named(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} on 127.0.0.1 is not available" in failed(home, port=port)


def test_a_home_that_is_no_folder_is_named(home: Path) -> None:
    home.write_text("a file")
    assert f"ANNOTATE_HOME {home} cannot be written" in failed(home)


def test_data_of_another_version_is_named(home: Path) -> None:
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("15\n")
    said = failed(home)
    assert "was created by PostgreSQL 15" in said
    assert "pg_dump" in said


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "eighty"), ("DATABASE_URL", "mysql://here"), ("WEB_WORKERS", "0")]
)
def test_a_setting_that_cannot_be_is_named(home: Path, name: str, value: str) -> None:
    assert name in failed(home, {name: value})


@pytest.mark.parametrize(
    ("name", "url", "server"),
    [
        ("DATABASE_URL", "postgresql://rosa:secret-word@127.0.0.1:1/annotate", "PostgreSQL at DATABASE_URL"),
        ("REDIS_URL", "redis://:secret-word@127.0.0.1:1/0", "Redis at REDIS_URL"),
    ],
)
def test_a_named_server_that_does_not_answer_is_told_without_its_password(
    home: Path, name: str, url: str, server: str
) -> None:
    more = {"DATABASE_URL": settings.DATABASE_URL, "REDIS_URL": settings.REDIS_URL, name: url}
    said = failed(home, more)
    assert f"{server} cannot be used" in said
    assert "refused" in said
    assert "secret-word" not in said


def test_a_database_that_cannot_be_brought_up_to_date_says_why(home: Path) -> None:
    """As one whose disk has filled up, or whose user may not write."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS annotate_shut")
        connection.execute("CREATE DATABASE annotate_shut")
        connection.execute("ALTER DATABASE annotate_shut SET default_transaction_read_only = on")
    try:
        url = urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path="/annotate_shut"))
        said = failed(home, {"DATABASE_URL": url, "REDIS_URL": settings.REDIS_URL})
        assert "read-only transaction" in said
    finally:
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
            connection.execute("DROP DATABASE annotate_shut")


def test_a_database_that_is_newer_than_the_code_is_refused_and_left_as_it_is(home: Path) -> None:
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS annotate_newer")
        connection.execute("CREATE DATABASE annotate_newer")
    url = urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path="/annotate_newer"))
    try:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(
                "CREATE TABLE django_migrations (id bigserial PRIMARY KEY, app varchar(255) NOT NULL, "
                "name varchar(255) NOT NULL, applied timestamptz NOT NULL)"
            )
            for app, name in (("labeling", "9999_of_tomorrow"), ("of_no_app_here", "0001_initial")):
                connection.execute(
                    "INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, now())", [app, name]
                )
        said = failed(home, {"DATABASE_URL": url, "REDIS_URL": settings.REDIS_URL})
        assert "The database was made by another Annotate: it has labeling.9999_of_tomorrow" in said
        assert "of_no_app_here" not in said
        assert "If that Annotate is newer, start it instead" in said
        with psycopg.connect(url, autocommit=True) as connection:
            tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        assert tables == (1,)
    finally:
        with psycopg.connect(settings.DATABASE_URL, autocommit=True) as connection:
            connection.execute("DROP DATABASE annotate_newer")


def test_a_full_disk_is_named(home: Path) -> None:
    home.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", home], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("a small disk can be mounted by root only")
    try:
        assert "is full" in failed(home)
    finally:
        subprocess.run(["umount", home], check=True)


def test_a_child_that_will_not_get_well_ends_the_run(tmp_path: Path) -> None:
    child = Child("web", ["false"], tmp_path / "web.log")
    child.start()

    def gives_up() -> bool:
        try:
            child.watch()
        except RuntimeError as error:
            return "died 5 times within a minute" in str(error)
        return False

    eventually(gives_up)


def test_a_number_that_is_another_process_now_is_left_alone(tmp_path: Path) -> None:
    ledger = tmp_path / "children.json"
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as other:
        ledger.write_text(json.dumps([[other.pid, psutil.Process(other.pid).create_time() - 5]]))
        end_leftovers(ledger)
        assert other.poll() is None
        other.kill()


def kill_and_see_again(one: Run, name: str, words: str) -> None:
    """The child is started again, and what the dead one had started is ended with it."""
    killed = one.child(words)
    eventually(lambda: bool(killed.children()))
    its_own = killed.children()
    killed.kill()
    eventually(lambda: f"{name} died" in one.said)
    eventually(lambda: one.children(words) not in ([], [killed]))
    eventually(lambda: not any(map(is_alive, its_own)))
    one.child(words)


def kill_server_and_see_again(one: Run, name: str, pid_file: Path) -> None:
    """It is told as down while it is, started again, and everything works as before."""
    killed = psutil.Process(int(pid_file.read_text().split()[0]))
    killed.kill()
    eventually(lambda: f"{name} died and is started again" in one.said)
    eventually(lambda: f"{name} answers again" in one.said)
    eventually(lambda: status_of(f"{one.address}/readyz") == 200)
    assert int(pid_file.read_text().split()[0]) != killed.pid
    assert one.process.poll() is None


def status_of(url: str) -> int:
    try:
        with urlopen(url, timeout=60) as found:
            return int(found.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def is_alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def answers(address: str) -> bool:
    try:
        with urlopen(f"{address}/healthz", timeout=60):
            return True
    except OSError:
        return False


def failed(home: Path, more: dict[str, str] | None = None, *, port: int | None = None) -> str:
    """What a run says that ends by itself, and ends badly: one sentence, no traceback, nothing left."""
    one = Run(home, more, port=port)
    assert one.process.wait(PATIENCE_S) in {1, 2}
    assert "Traceback" not in one.said
    assert one.said.startswith("annotate: ")
    assert not left_behind(home)
    return one.said
