"""A process of Annotate's that does what a test writes to it, a line of JSON each, on the servers of its environment.

    python -m tests.flows.driver

For tests that stop and start servers: those of the test session itself are everybody's.
"""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "annotate.settings"
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import InterfaceError, OperationalError, connection  # noqa: E402

from apps.accounts.models import User  # noqa: E402
from apps.core.jobs.wakeups import wake_on_commit  # noqa: E402
from apps.estimation.models import EstimationRun  # noqa: E402
from apps.estimation.runs.services import pause_run, resume_run, start_run  # noqa: E402
from apps.inference.services import add_endpoint  # noqa: E402
from apps.projects.services import create_project  # noqa: E402
from apps.runs.tasks import resume_abandoned  # noqa: E402
from tests.estimation.corpus import add_sums  # noqa: E402
from tests.estimation.exact import assert_exact, lease_is_over  # noqa: E402


def migrate() -> None:
    call_command("migrate", verbosity=0)


def start(*, url: str, solutions: int, steps: int, rollouts: int, in_flight: int) -> int:
    owner = User.objects.create_user(email=f"{uuid.uuid4().hex}@lab.example", password="correct horse battery")
    project = create_project(slug=f"sums-{uuid.uuid4().hex[:8]}", owner=owner)
    add_sums(project, solutions, steps=steps)
    settings = {"max_in_flight": in_flight, "timeout_s": 60.0}
    endpoint = add_endpoint(project=project, name="model", url=url, model="sums", settings=settings)
    run = start_run(
        project=project, endpoint=endpoint, strategy="math-shepherd", options={"rollouts": rollouts}, seed=3
    )
    return int(run.pk)


def latest() -> EstimationRun:
    return EstimationRun.objects.latest("pk")


def state() -> dict[str, Any]:
    run = latest()
    return {"status": run.status, "rollouts": run.rollouts, "done": run.done, "error": run.error}


def call() -> None:
    wake_on_commit(EstimationRun.task, latest().pk)


def pause() -> None:
    pause_run(run=latest())


def resume() -> None:
    run = resume_run(run=latest())
    wake_on_commit(EstimationRun.task, run.pk)


def time_passes() -> None:
    """As if nobody had been heard of for so long that beat calls workers again."""
    lease_is_over(latest())
    resume_abandoned()


def check(*, steps: int, rollouts: int) -> str:
    """What is not exact; empty when all is."""
    try:
        assert_exact(latest(), steps=steps, rollouts=rollouts)
    except AssertionError as error:
        return str(error) or "not exact"
    return ""


ACTS: dict[str, Callable[..., Any]] = {
    act.__name__: act for act in (migrate, start, state, call, pause, resume, time_passes, check)
}


def patiently(act: Callable[..., Any], **told: Any) -> Any:
    for _ in range(200):
        try:
            return act(**told)
        except (OperationalError, InterfaceError):
            connection.close()
            time.sleep(0.1)
    return act(**told)


def main() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        print(json.dumps(patiently(ACTS[told.pop("act")], **told)), flush=True)


if __name__ == "__main__":
    main()
