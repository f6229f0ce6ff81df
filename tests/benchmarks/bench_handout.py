"""Claim and submit over HTTP, as many labelers do at once: pairs a second, and how long each takes.

    .venv/bin/python -m tests.benchmarks.bench_handout [--tasks 10000 100000] [--labelers 1 16 64]
                                                       [--redundancy 1 3] [--seconds 10]

Everything shares the machine's cores: server, database, and the crew that works (in `crew.py`). The
processor time that each of them takes for a pair is printed too: it is the steadier figure when the
machine has other work.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import psutil

from tests.benchmarks.crew import Order, Report
from tests.benchmarks.report import percentile, tell
from tests.benchmarks.setting import a_database, a_server

if TYPE_CHECKING:
    from apps.projects.models import Project

GOLD = 0.05


@dataclass(frozen=True)
class Ground:
    """A project with so many solutions, a part of them gold, and a crew with its tokens."""

    project: Project
    tokens: list[str]


def main(*, tasks: list[int], labelers: list[int], redundancy: list[int], seconds: float) -> None:
    if len(tasks) > 1:
        # Each size has a database of its own: what is compared is the cost in a small one and in a large one.
        for size in tasks:
            words = {"--tasks": [size], "--labelers": labelers, "--redundancy": redundancy, "--seconds": [seconds]}
            given = [str(word) for name, values in words.items() for word in (name, *values)]
            subprocess.run([sys.executable, "-m", "tests.benchmarks.bench_handout", *given], check=True)
        return
    with a_database(), a_server() as port:
        ground = prepare(tasks[0], max(labelers))
        for people in redundancy:
            for crew in labelers:
                measure(port, ground, tasks[0], crew, people, seconds)


def measure(port: int, ground: Ground, tasks: int, labelers: int, redundancy: int, seconds: float) -> None:
    path = open_for(ground, redundancy)
    work(Order(port, 0.5, path, ground.tokens[:labelers]))  # Connections are made, plans are cached.
    before = processor_times()
    report = work(Order(port, seconds, path, ground.tokens[:labelers]))
    after = processor_times()
    check(report, labelers, redundancy)
    name, pairs = f"handout.{tasks}.labelers{labelers}.redundancy{redundancy}", len(report.claims)
    tell(name, pairs / report.took, "pairs/s")
    for kind, spells in (("claim", report.claims), ("submit", report.submissions)):
        for share in (0.5, 0.95, 0.99):
            tell(f"{name}.{kind}.p{share * 100:.0f}", percentile(spells, share) * 1000, "ms")
    for part in after:
        tell(f"{name}.cpu.{part}", (after[part] - before[part]) / pairs * 1000, "ms/pair")
    tell(f"{name}.cpu.crew", report.cpu / pairs * 1000, "ms/pair")


def work(order: Order) -> Report:
    command = [sys.executable, "-m", "tests.benchmarks.crew"]
    done = subprocess.run(command, input=msgspec.json.encode(order), stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Report)


def processor_times() -> dict[str, float]:
    """Seconds so far, of the web server and of PostgreSQL, with their children."""
    found: Counter[str] = Counter()
    ours = os.environ["ANNOTATE_HOME"]
    children = psutil.Process().children(recursive=True)
    databases = [one for one in psutil.process_iter(["cmdline"]) if ours in " ".join(one.info["cmdline"] or [])]
    for part, processes in (("web", children), ("postgres", [p for one in databases for p in one.children()])):
        for process in processes:
            times = process.cpu_times()
            found[part] += times.user + times.system
    return dict(found)


def check(report: Report, labelers: int, redundancy: int) -> None:
    """Speed counts for nothing when a task goes to too many people, or what was handed in is not there."""
    from django.db.models import Count

    from apps.labeling.models import Assignment, Round

    assert all(len(set(tasks)) == len(tasks) for tasks in report.tasks)
    assignments = Assignment.objects.filter(round=Round.objects.first())
    submitted = assignments.filter(state=Assignment.State.SUBMITTED).count()
    assert submitted >= len(report.claims)
    assert assignments.count() - submitted <= labelers
    taken = (
        assignments.filter(task__is_gold=False)
        .values("task")
        .annotate(people=Count("id"))
        .filter(people__gt=redundancy)
    )
    assert not taken.exists()


def prepare(tasks: int, labelers: int) -> Ground:
    from apps.accounts.models import User
    from apps.accounts.services import issue_token
    from apps.projects.models import Role
    from apps.projects.services import add_member, create_project
    from tests.benchmarks.setting import add_gold, add_solutions

    project = create_project(slug="handout")
    add_solutions(project, tasks)
    add_gold(project, round(tasks * GOLD))
    tokens = []
    for number in range(labelers):
        user = User.objects.create(email=f"labeler-{number}@bench.example", password="!")
        add_member(project=project, user=user, role=Role.LABELER)
        tokens.append(issue_token(user=user)[1])
    return Ground(project, tokens)


def open_for(ground: Ground, redundancy: int) -> str:
    from django.db import connection

    from apps.labeling.rounds.services import open_round

    opened = open_round(project=ground.project, protocol="first_error", redundancy=redundancy, gold_share=GOLD)
    with connection.cursor() as cursor:
        # What the database would do by itself in the minutes after: it is no part of what is measured.
        cursor.execute("VACUUM (ANALYZE)")
        cursor.execute("CHECKPOINT")
    return f"/api/v1/projects/{ground.project.slug}/rounds/{opened.number}/claim"


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--labelers", type=int, nargs="+", default=[1, 16, 64])
    parser.add_argument("--redundancy", type=int, nargs="+", default=[1, 3])
    parser.add_argument("--seconds", type=float, default=10)
    main(**vars(parser.parse_args()))
