"""Exports against COPY: solutions of 8 steps, each step rated by a person and by Monte Carlo.

For each format the time of an export, as a multiple of the time in which PostgreSQL copies the same joined rows to the same
machine, before and after it. Then the memory of a worker, the first byte of a stream, and two workers against one: both on
two cores, where a single worker and its PostgreSQL use more than one already, and each worker with a core of its own.

.venv/bin/python -m tests.benchmarks.bench_export [SOLUTIONS]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.benchmarks.labeled_corpus import labeled_project
from tests.benchmarks.report import tell
from tests.benchmarks.setting import a_database

SLUG = "bench-labeled"
FORMATS = ("trl-prm", "math-shepherd", "openrlhf-prm", "rlhflow-prm", "qwen-prm", "orm", "annotate")
PARTS = 8  # For two workers, so that each has several.

_FROM = """
    FROM corpus_step AS step JOIN corpus_solution AS solution ON solution.id = step.solution_id
    JOIN corpus_problem AS problem ON problem.id = solution.problem_id"""
_LABELS = """
    JOIN labeling_task AS task ON task.solution_id = solution.id
    JOIN labeling_assignment AS assignment ON assignment.task_id = task.id
    JOIN labeling_steplabel AS label ON label.assignment_id = assignment.id AND label.step_id = step.id
    JOIN estimation_stepestimate AS estimate ON estimate.step_id = step.id"""
_STEP = "problem.statement, solution.id, step.position, step.candidate, step.text"
_COPIES = {
    "orm": f"SELECT {_STEP}, solution.is_correct{_FROM}",
    "annotate": f"""
        SELECT {_STEP}, problem.external_id, problem.subject, solution.source, solution.final_answer, solution.is_correct,
               step.origin, step.chosen, assignment.labeler_id, assignment.finish_reason, assignment.submitted_at,
               assignment.active_ms, label.rating, label.unsure, label.chosen, estimate.rollouts, estimate.successes,
               estimate.missing, estimate.hard{_FROM}{_LABELS}""",
}
_COPY = (
    f"SELECT {_STEP}, label.rating, label.unsure, estimate.rollouts, estimate.successes, estimate.hard{_FROM}{_LABELS}"
)


def main(solutions: int = 20_000) -> None:
    with a_database():
        labeled_project(solutions=solutions, slug=SLUG)
        for name in FORMATS:
            before = copy_seconds(name)
            made = in_a_process("export", name)
            copy = (before + copy_seconds(name)) / 2
            tell(f"export.{name}.copy", copy, "s")
            tell(f"export.{name}", made["seconds"], "s")
            tell(f"export.{name}.ratio", made["seconds"] / copy, "times COPY")
            tell(f"export.{name}.memory", made["megabytes"], "MB")
        for name in ("trl-prm", "orm"):
            tell(f"export.stream.{name}.first-byte", in_a_process("stream", name)["seconds"], "s")
        for name, cores in (("", (2, 2)), (".one-core-each", (1, 2))):
            one, two = (workers(count, cores=own) for count, own in zip((1, 2), cores, strict=True))
            tell(f"export.one-worker{name}", one, "s")
            tell(f"export.two-workers{name}", two, "s")
            tell(f"export.two-workers{name}.gain", one / two, "times")


def copy_seconds(name: str) -> float:
    from django.db import connection

    start = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(f"COPY ({_COPIES.get(name, _COPY)}) TO STDOUT") as copy:
        for _ in copy:
            pass
    return time.perf_counter() - start


def in_a_process(*arguments: str) -> dict[str, Any]:
    """What a process of its own measures, which imports nothing of this one."""
    command = [sys.executable, "-m", "tests.benchmarks.bench_export", *arguments]
    return dict(msgspec.json.decode(subprocess.run(command, check=True, capture_output=True).stdout))


def workers(count: int, *, cores: int) -> float:
    """The seconds in which so many processes write the parts of one export, each every so-manyth.

    They and PostgreSQL's processes for them share so many processor cores.
    """
    from apps.exports.files import parts
    from apps.exports.models import Export
    from apps.exports.run import run_export
    from apps.exports.services import create_export
    from apps.projects.models import Project

    project = Project.objects.get(slug=SLUG)
    export = create_export(project=project, format="trl-prm", enqueue=False)
    parts.PART_SIZE = project.solutions.count() // PARTS
    parts.cut_parts(export)
    Export.objects.filter(pk=export.pk).update(status="running")
    command = [sys.executable, "-m", "tests.benchmarks.bench_export", "parts", str(export.pk), str(count)]
    with few_cores(cores):
        start = time.perf_counter()
        started = [subprocess.Popen([*command, str(number)], stdout=subprocess.DEVNULL) for number in range(count)]
        assert not any(process.wait() for process in started)
        seconds = time.perf_counter() - start
    export = run_export(export_id=export.pk)
    assert export.rows, export.error
    return seconds


@contextmanager
def few_cores(count: int) -> Iterator[None]:
    """What this process and PostgreSQL start within the block runs on so many processor cores."""
    postgres = int((Path(os.environ["ANNOTATE_HOME"]) / "postgres" / "postmaster.pid").read_text().split()[0])
    allowed = os.sched_getaffinity(0)
    try:
        for process in (0, postgres):
            os.sched_setaffinity(process, sorted(allowed)[:count])
        yield
    finally:
        for process in (0, postgres):
            os.sched_setaffinity(process, allowed)


# --- in a process of its own ------------------------------------------------------------------------------


def measure(work: Callable[[], object]) -> None:
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.buffer.write(msgspec.json.encode({"seconds": seconds, "megabytes": megabytes}))


def child(kind: str, *arguments: str) -> None:
    import django

    django.setup()
    from apps.exports.models import ExportPart
    from apps.exports.policy import LabelPolicy
    from apps.exports.rows.stream import stream_rows
    from apps.exports.run import run_export, run_part
    from apps.exports.services import create_export
    from apps.projects.models import Project

    project = Project.objects.get(slug=SLUG)
    if kind == "export":
        export = create_export(project=project, format=arguments[0], enqueue=False)
        measure(lambda: run_export(export_id=export.pk))
        export.refresh_from_db()
        assert export.rows, export.error
    elif kind == "stream":
        measure(lambda: next(stream_rows(project, arguments[0], LabelPolicy())))
    else:
        export_id, count, number = map(int, arguments)
        numbered = ExportPart.objects.filter(export=export_id).order_by("number").values_list("pk", flat=True)
        for pk in list(numbered)[number::count]:
            run_part(part_id=pk)


if __name__ == "__main__":
    if sys.argv[1:] and not sys.argv[1].isdecimal():
        child(*sys.argv[1:])
    else:
        main(*map(int, sys.argv[1:2]))
