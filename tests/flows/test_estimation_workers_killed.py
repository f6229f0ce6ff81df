"""Workers killed in the midst of a run. Apart from the other faults, whose worker would do the work meanwhile."""

from __future__ import annotations

import random
import time

from apps.estimation.models import EstimationRun
from apps.inference.models import Endpoint
from apps.projects.models import Project
from apps.runs.tasks import resume_abandoned
from tests.estimation import exact
from tests.estimation.corpus import add_sums
from tests.estimation.model import Model
from tests.flows.test_estimation_under_fire import (
    IN_FLIGHT,
    STEPS,
    assert_exact,
    ended,
    endpoint,
    model,
    started,
)
from tests.processes import AtWork, StartWorker, eventually, kill

__all__ = ["endpoint", "model"]


def test_a_killed_worker_costs_at_most_what_was_in_flight(
    start_worker: StartWorker, at_work: AtWork, model: Model, project: Project, endpoint: Endpoint
) -> None:
    add_sums(project, 150, steps=STEPS)
    dice = random.Random(11)
    run = started(project, endpoint)
    for round_ in range(3):
        with start_worker(2) as process:
            seen = EstimationRun.objects.get(pk=run.pk).rollouts
            eventually(lambda before=seen: EstimationRun.objects.get(pk=run.pk).rollouts > before)  # type: ignore[misc]
            time.sleep(dice.uniform(0.05, 0.4))
            repeated = model.stats()["repeated"]
            kill(process)
        exact.lease_is_over(run)
        resume_abandoned()
        assert model.stats()["repeated"] - repeated <= IN_FLIGHT, round_
    with at_work():
        eventually(lambda: ended(run))
    assert_exact(run)
    assert model.stats()["repeated"] <= 3 * IN_FLIGHT
