"""Scoring with real worker processes that are killed, and with a server that fails: each step is counted once."""

from __future__ import annotations

import random
import time

import pytest
from django.db import connection

from apps.core.jobs.wakeups import wake_on_commit
from apps.corpus.models import Solution
from apps.inference.models import Endpoint
from apps.inference.scorers.prompt import PRESETS
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from apps.runs.tasks import resume_abandoned
from apps.scoring.models import ScoringRun
from apps.scoring.services import cancel_scoring, pause_scoring, resume_scoring, start_scoring
from tests.estimation.corpus import add_sums
from tests.processes import AtWork, StartWorker, eventually, is_idle, kill
from tests.scoring.model import RewardServer, assert_exact, rewards_of, token_scores, values_of

STEPS, IN_FLIGHT = 5, 16


@pytest.fixture
def server(reward_server: str, transactional_db: None) -> RewardServer:
    return rewards_of(reward_server, latency_s=0.02)


@pytest.fixture
def endpoint(server: RewardServer, project: Project) -> Endpoint:
    settings = {"max_in_flight": IN_FLIGHT, "timeout_s": 60.0}
    return add_endpoint(project=project, name="prm", url=server.url, model="prm", settings=settings)


def started(project: Project, endpoint: Endpoint) -> ScoringRun:
    return start_scoring(project=project, endpoint=endpoint, prompt={"preset": "annotate"})


def ended(run: ScoringRun) -> bool:
    run.refresh_from_db()
    return run.has_ended and run.applied_at is not None


def lease_is_over(run: ScoringRun) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE scoring_scoringshard SET leased_until = now() WHERE run_id = %s", [run.pk])


def assert_scores(run: ScoringRun) -> None:
    """Each score is the server's, and each solution has the product."""
    values = values_of(run)
    for solution in Solution.objects.select_related("problem").prefetch_related("steps"):
        texts = [step.text for step in solution.steps.all()]
        expected = token_scores(PRESETS["annotate"], solution.problem.statement, texts)
        assert values[solution.pk] == pytest.approx(expected)
        product = 1.0
        for score in expected:
            product *= score
        assert solution.verifier_score == pytest.approx(product)


def test_a_killed_worker_costs_the_solutions_in_progress_and_no_count_is_wrong(
    start_worker: StartWorker, at_work: AtWork, server: RewardServer, project: Project, endpoint: Endpoint
) -> None:
    add_sums(project, 200, steps=STEPS)
    dice = random.Random(11)
    run = started(project, endpoint)
    for round_ in range(3):
        with start_worker(2) as process:
            done = ScoringRun.objects.get(pk=run.pk).done
            eventually(lambda before=done: ScoringRun.objects.get(pk=run.pk).done > before)  # type: ignore[misc]
            time.sleep(dice.uniform(0.05, 0.4))
            kill(process)
        lease_is_over(run)
        resume_abandoned()
        run.refresh_from_db()
        assert run.done < 200, round_
        assert_exact(run, complete=False)
    with at_work():
        eventually(lambda: ended(run))
    assert_exact(run)
    assert run.requests == run.steps == 200 * STEPS
    assert_scores(run)
    stats = server.stats()
    assert stats["most_in_flight"] <= IN_FLIGHT
    # A worker has some more solutions in progress than requests in flight.
    assert stats["repeated"] <= 3 * 2 * IN_FLIGHT * STEPS


def test_a_run_pauses_resumes_and_asks_nothing_twice(
    worker: None, server: RewardServer, project: Project, endpoint: Endpoint
) -> None:
    add_sums(project, 150, steps=STEPS)
    run = started(project, endpoint)
    eventually(lambda: ScoringRun.objects.get(pk=run.pk).done > 10)
    pause_scoring(run=run)
    eventually(is_idle)
    run.refresh_from_db()
    assert 0 < run.done < 150
    assert_exact(run, complete=False)
    assert server.stats()["requests"] == run.requests
    resume_scoring(run=run)
    eventually(lambda: ended(run))
    assert_exact(run)
    assert server.stats()["repeated"] == 0
    assert_scores(run)


def test_errors_of_the_server_change_no_score(
    worker: None, server: RewardServer, project: Project, endpoint: Endpoint
) -> None:
    add_sums(project, 60, steps=STEPS)
    server.control(error_500=0.1)
    run = started(project, endpoint)
    wake_on_commit(run.task, run.pk)
    eventually(lambda: ended(run))
    assert_exact(run)
    assert run.requests > run.steps
    assert_scores(run)


def test_a_cancelled_run_keeps_its_scores_and_they_count(
    worker: None, server: RewardServer, project: Project, endpoint: Endpoint
) -> None:
    add_sums(project, 300, steps=STEPS)
    run = started(project, endpoint)
    eventually(lambda: ScoringRun.objects.get(pk=run.pk).done > 10)
    cancel_scoring(run=run)
    eventually(lambda: ended(run))
    eventually(is_idle)
    run.refresh_from_db()
    assert 0 < run.done < 300
    assert_exact(run, complete=False)
    assert Solution.objects.filter(verifier_score__isnull=False).count() == run.done
