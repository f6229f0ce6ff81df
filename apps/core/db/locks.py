"""PostgreSQL's advisory locks, by a purpose and a key.

Why not django-pglock: docs/decisions/0017-what-is-written-by-hand.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


def advisory_xact_lock(purpose: str, key: int, *, is_shared: bool = False) -> None:
    """Wait for the lock and hold it until the transaction ends. Holders of a shared lock wait for no other of its holders."""
    lock = "pg_advisory_xact_lock_shared" if is_shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {lock}(hashtext(%s), %s)", [purpose, key])


@contextmanager
def try_advisory_lock(purpose: str, key: int) -> Iterator[bool]:
    """Take the lock for the block if it is free; yields whether it was. It ends with the database connection.

    The job of a worker that was killed can therefore continue at once, and two workers never share a job.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s), %s)", [purpose, key])
        claimed = bool(cursor.fetchone()[0])
        try:
            yield claimed
        finally:
            if claimed and connection.connection is not None and not connection.connection.closed:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", [purpose, key])


def locked_keys(purpose: str) -> set[int]:
    """The keys of this purpose whose lock some process holds now."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT objid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
               AND classid::bigint = hashtext(%s)::bigint & 4294967295""",
            [purpose],
        )
        return {row[0] for row in cursor.fetchall()}
