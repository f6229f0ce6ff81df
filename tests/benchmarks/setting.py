"""A real database and a real server, in a folder of their own that goes when the benchmark ends."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

if TYPE_CHECKING:
    from apps.projects.models import Project


@contextmanager
def a_database() -> Iterator[None]:
    """Embedded servers with every migration applied; Django is set up within."""
    with tempfile.TemporaryDirectory(prefix="annotate-bench-", ignore_cleanup_errors=True) as home:
        os.environ["ANNOTATE_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "annotate.settings"
        os.environ["API_RATE"] = "1000000/min"
        # The model servers stand on this machine.
        os.environ["ENDPOINT_ALLOWED_ADDRESSES"] = "127.0.0.1"
        from annotate.local.servers import servers

        with servers():
            import django
            from django.core.management import call_command

            django.setup()
            call_command("migrate", verbosity=0)
            # As the workers and the commands do.
            gc.freeze()
            yield


@contextmanager
def a_server() -> Iterator[int]:
    """The web server as `make run` starts it; gives its port."""
    from annotate.local.supervisor import free_port, web_command

    port = free_port()
    with subprocess.Popen(web_command(port=port), stdout=subprocess.DEVNULL, stderr=sys.stderr) as server:
        try:
            _wait_until_ready(port)
            yield port
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait_until_ready(port: int) -> None:
    """On a busy machine that takes its time."""
    for _ in range(600):
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("The server did not get ready.")


def add_solutions(project: Project, count: int, steps: int = 8, *, problems: int = 1) -> None:
    """Straight into the tables: what is measured is not the import. The problems have equally many, one after another."""
    from django.db import transaction
    from django.utils import timezone

    from apps.core.db.copy import copy_rows, next_ids
    from apps.corpus.models import Problem, Solution
    from tests.benchmarks.corpora import TEXT

    text = TEXT.format(n=1, a=12, b=34, c=5, d=403)
    with transaction.atomic(), _trusted_keys():
        every = Problem.objects.bulk_create(
            Problem(project=project, digest=uuid.uuid4(), statement=text, reference_answer="403")
            for _ in range(problems)
        )
        ids = next_ids(Solution, count)
        columns = [
            "id",
            "project",
            "problem",
            "digest",
            "grade",
            "graded_by",
            "step_count",
            "separator",
            "created_at",
        ]
        now = timezone.now()
        copy_rows(
            Solution,
            columns,
            (
                (pk, project.pk, every[place * problems // count].pk, uuid.uuid4(), "ungraded", "", steps, "\n", now)
                for place, pk in enumerate(ids)
            ),
        )
        _add_steps(ids, steps, text)


@contextmanager
def _trusted_keys() -> Iterator[None]:
    """To look up the solution of each of eight million steps takes minutes."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        yield
        cursor.execute("SET LOCAL session_replication_role TO DEFAULT")


def _add_steps(ids: list[int], steps: int, text: str) -> None:
    """Eight million of them for a million solutions: COPY by text, a block of lines at a time."""
    from django.db import connection

    lines = [f"\t{place}\t0\t{text.encode('unicode_escape').decode()}\tmodel\tt\n" for place in range(steps)]
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY corpus_step (solution_id, position, candidate, text, origin, chosen) FROM STDIN") as copy,
    ):
        for start in range(0, len(ids), 1000):
            copy.write("".join(f"{pk}{line}" for pk in ids[start : start + 1000] for line in lines))


def add_gold(project: Project, count: int) -> None:
    """The first step of every so-manyth solution, so that gold stands among the others."""
    from apps.core.db.copy import copy_rows
    from apps.corpus.models import Step
    from apps.labeling.models import GoldLabel

    first = list(Step.objects.filter(solution__project=project, position=0).order_by("solution").values_list("id"))
    chosen = first[:: len(first) // count]
    copy_rows(GoldLabel, ["step", "rating", "origin"], ((pk, 1, "bench") for (pk,) in chosen[:count]))
