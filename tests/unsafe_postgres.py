"""PostgreSQL without what guards its data against a crash of the machine: no data of tests has to outlive one."""

from __future__ import annotations

import psycopg


def guard_no_data(url: str, *, commits: bool = False) -> None:
    """Commits are still written before they are reported, so that a crash of the server alone loses none.

    `commits`: give up that as well.
    """
    names = ["fsync", "full_page_writes", *(["synchronous_commit"] if commits else [])]
    with psycopg.connect(url, autocommit=True) as connection:
        for name in names:
            connection.execute(f"ALTER SYSTEM SET {name} = off")
        connection.execute("SELECT pg_reload_conf()")
