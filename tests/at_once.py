"""Two people, or a person and a worker, at the same rows at once: over connections of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

from django.db import connection, transaction

from tests.processes import eventually

_BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


def elsewhere(pool: ThreadPoolExecutor, act: Callable[[], object]) -> Future[object]:
    """In a thread with a connection of its own."""

    def run() -> object:
        with closing(connection):
            return act()

    return pool.submit(run)


def blocked() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # Within a transaction the first look would be kept.
        cursor.execute(_BLOCKED)
        return int(cursor.fetchone()[0])


def while_uncommitted(first: Callable[[], object], second: Callable[[], object]) -> object:
    """`second` begins once `first` has written, which is committed when `second` waits for it or is done."""
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            first()
            later = elsewhere(pool, second)
            eventually(lambda: blocked() == 1 or later.done())
        return later.result(60)
