"""An estimation run over 100,000 solutions: what its start, its page, its pause and its resumption take, and memory.

    python -m tests.benchmarks.bench_estimation_scale [SOLUTIONS]

One Celery worker process, so that one engine holds all 256 requests in flight; a server with a latency of 200 ms. The
page is asked for by a manager through Django's test client, while the run is at work. Half of the results are then put
straight into the tables, as the worker would have left them, and the run is resumed in its middle.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from tests.benchmarks.report import percentile, tell
from tests.benchmarks.setting import a_database

STEPS, ROLLOUTS, IN_FLIGHT = 6, 8, 256
VIEWS = 40


def main() -> None:
    solutions = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    from tests.estimation.model import serving

    with a_database(), serving() as url, a_worker() as worker:
        measure(solutions, url, worker)


def measure(solutions: int, url: str, worker: psutil.Process) -> None:
    from tests.estimation.corpus import add_sums
    from tests.estimation.model import Model

    project, page = a_manager()
    add_sums(project, solutions, steps=STEPS)
    analyzed()
    model = Model(url)
    model.control(latency_s=0.2)
    run, after_start = start(project, page, model)
    tell("estimation_scale.solutions", solutions, "solutions")
    tell("estimation_scale.start_form", after_start["form"], "s")
    tell("estimation_scale.start", after_start["start"], "s")
    tell("estimation_scale.first_request", after_start["first_request"], "s")
    with watched(worker) as peak:
        until(lambda: model.stats()["in_flight"] >= IN_FLIGHT * 0.9)
        views("at_work", page, run)
        until(lambda: model.stats()["most_in_flight"] == IN_FLIGHT)
        time.sleep(5)
    tell("estimation_scale.most_in_flight", model.stats()["most_in_flight"], "requests")
    tell("estimation_scale.peak_memory", peak[0] / 1e6, "MB")
    tell("estimation_scale.pause", pause(page, run, model), "s")
    put_results(run, solutions // 2)
    tell("estimation_scale.resume", resume(page, run, model), "s")
    before = fresh(run).done
    views("in_the_middle", page, run)
    until(lambda: fresh(run).done > before)
    tell("estimation_scale.pause_in_the_middle", pause(page, run, model), "s")
    views("paused", page, run, times=10)


def start(project: Any, page: Any, model: Any) -> tuple[Any, dict[str, float]]:
    """By the form, as a manager does."""
    from apps.estimation.models import EstimationRun
    from apps.inference.services import add_endpoint

    endpoint = add_endpoint(
        project=project, name="model", url=model.url, model="sums", settings={"max_in_flight": IN_FLIGHT}
    )
    address = f"/projects/{project.slug}/estimation/new"
    page.get(f"/projects/{project.slug}/")  # The first page of a process loads templates and modules.
    form_s = timed(lambda: page.get(address))
    fields = {
        "endpoint": endpoint.pk,
        "strategy": "math-shepherd",
        "rollouts": ROLLOUTS,
        "answers": "any",
        "temperature": 0.7,
        "max_tokens": 1024,
        "once": "bench",
    }
    began = time.perf_counter()
    answer = page.post(address, fields)
    started_s = time.perf_counter() - began
    assert answer.status_code == 302, answer.content
    until(lambda: model.stats()["requests"] > 0)
    first_s = time.perf_counter() - began
    run = EstimationRun.objects.get(project=project)
    return run, {"form": form_s, "start": started_s, "first_request": first_s}


def views(name: str, page: Any, run: Any, times: int = VIEWS) -> None:
    """The whole page, and the moving part that htmx asks for every two seconds."""
    address = address_of(run)
    whole = [timed(lambda: page.get(address)) for _ in range(times)]
    moving = [timed(lambda: page.get(address, headers={"HX-Request": "true"})) for _ in range(times)]
    tell(f"estimation_scale.page_{name}_first", whole[0], "s")
    tell(f"estimation_scale.page_{name}_p95", percentile(whole, 0.95), "s")
    tell(f"estimation_scale.page_{name}_moving_p95", percentile(moving, 0.95), "s")


def pause(page: Any, run: Any, model: Any) -> float:
    """Until the last request that was in flight has come in and is stored."""
    began = time.perf_counter()
    page.post(f"{address_of(run)}/pause")
    until(lambda: model.stats()["in_flight"] == 0)
    took = time.perf_counter() - began
    assert fresh(run).status == "paused"
    return took


def resume(page: Any, run: Any, model: Any) -> float:
    """Until the server has got the next request."""
    time.sleep(3)  # The worker puts its things away first.
    asked = model.stats()["requests"]
    began = time.perf_counter()
    page.post(f"{address_of(run)}/resume")
    until(lambda: model.stats()["requests"] > asked)
    return time.perf_counter() - began


def put_results(run: Any, count: int) -> None:
    """The next solutions of the run, as done: rows of requests, steps and solutions, a shard for all, and counters."""
    from django.db import connection, transaction

    run = fresh(run)
    ours = "s.project_id = %s AND s.id > %s AND s.id <= %s"
    bounds = [run.project_id, run.claimed_upto, run.claimed_upto + count]
    steps = (
        f"FROM corpus_step t JOIN corpus_solution s ON s.id = t.solution_id WHERE {ours} AND t.position < {STEPS - 1}"
    )
    statements = (
        f"""INSERT INTO estimation_rolloutbatch (run_id, step_id, ordinal, outcomes, tokens, reason)
            SELECT %s, t.id, 0, 'sfsfsfsf', 320, '' {steps}""",
        f"""INSERT INTO estimation_stepestimate (run_id, step_id, rollouts, successes, missing, hard, basis, tokens)
            SELECT %s, t.id, 8, (t.id %% 9)::int, 0, t.id %% 9 > 0, 'rollouts', 320 {steps}""",
        f"""INSERT INTO estimation_solutionestimate
              (run_id, solution_id, failure, note, first_error, probability, by_answer, rollouts, missing)
            SELECT %s, s.id, '', '', 2, NULL, false, 40, 0 FROM corpus_solution s WHERE {ours}""",  # noqa: S608
    )
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, [run.pk, *bounds])
        cursor.execute(
            "UPDATE estimation_estimationrun SET claimed_upto = %s, done = done + %s, rollouts = rollouts + %s WHERE id = %s",
            [bounds[2], count, count * (STEPS - 1) * ROLLOUTS, run.pk],
        )
    analyzed()


def analyzed() -> None:
    """As autovacuum leaves the tables a minute later."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def a_manager() -> tuple[Any, Any]:
    """The project, and the browser of somebody who manages it."""
    from django.test import Client

    from annotate.env import load
    from annotate.static_files import collect
    from apps.accounts.models import User
    from apps.projects.models import Role
    from apps.projects.services import add_member, create_project

    owner = User.objects.create_user(email="owner@lab.example", password="bench of ours")
    manager = User.objects.create_user(email="mia@lab.example", password="bench of ours")
    project = create_project(slug="scale", owner=owner)
    add_member(project=project, user=manager, role=Role.MANAGER)
    collect(load().home)
    page = Client(headers={"Host": "localhost"})
    page.force_login(manager)
    return project, page


def address_of(run: Any) -> str:
    return f"/projects/{run.project.slug}/estimation/{run.number}"


def fresh(run: Any) -> Any:
    return type(run).objects.get(pk=run.pk)


def timed(act: Callable[[], Any]) -> float:
    began = time.perf_counter()
    answer = act()
    took = time.perf_counter() - began
    assert answer.status_code == 200, answer
    return took


def until(true: Callable[[], bool], within: float = 120) -> None:
    deadline = time.monotonic() + within
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


@contextmanager
def watched(worker: psutil.Process) -> Iterator[list[int]]:
    """The most memory that a process of the worker had."""
    peak, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            engines = [child for child in worker.children() if "celery" in " ".join(child.cmdline())]
            peak[0] = max([peak[0], *(child.memory_info().rss for child in engines)])

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


@contextmanager
def a_worker() -> Iterator[psutil.Process]:
    from annotate.local.supervisor import worker_command

    command = worker_command("scale", "estimation", 1)
    with subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=sys.stderr) as process:
        try:
            time.sleep(5)
            yield psutil.Process(process.pid)
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
