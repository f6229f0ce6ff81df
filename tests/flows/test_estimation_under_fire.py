"""Estimation with real worker processes against a server that fails in every way: the counts stay exact."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone

from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import wake_on_commit
from apps.estimation.models import EstimationRun, Shard, SolutionEstimate, StepEstimate
from apps.estimation.runs.services import cancel_run, pause_run, resume_run, start_run
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from tests.estimation import exact
from tests.estimation.corpus import add_sums
from tests.estimation.model import Model, model_of
from tests.processes import eventually, is_idle

STEPS, ROLLOUTS, IN_FLIGHT = 5, 8, 64


@pytest.fixture
def model(model_server: str, transactional_db: None) -> Model:
    return model_of(model_server, latency_s=0.05, hang_s=1.5)


@pytest.fixture
def endpoint(model: Model, project: Project) -> Endpoint:
    """So patient that what a busy machine answers late is not asked for again."""
    settings = {"max_in_flight": IN_FLIGHT, "timeout_s": 60.0}
    return add_endpoint(project=project, name="model", url=model.url, model="sums", settings=settings)


def started(project: Project, endpoint: Endpoint, strategy: str = "math-shepherd", **more: object) -> EstimationRun:
    run = start_run(project=project, endpoint=endpoint, strategy=strategy, seed=3, **more)  # type: ignore[arg-type]
    wake_on_commit(EstimationRun.task, run.pk)
    return run


def ended(run: EstimationRun) -> bool:
    run.refresh_from_db()
    return run.has_ended


def assert_exact(run: EstimationRun, *, complete: bool = True) -> None:
    exact.assert_exact(run, steps=STEPS, rollouts=ROLLOUTS, complete=complete)


FAULTS = {
    "http 500": {"error_500": 0.10},
    "time-outs": {"timeout": 0.05},
    "too many requests": {"too_many": 0.3},
    "connections reset": {"reset": 0.1},
    "gateway pages": {"garbage": 0.1},
    "fewer choices than asked": {"fewer": 0.5},
    "empty texts": {"empty": 0.1},
    "cut off": {"cut": 0.1},
    "at most three choices": {"most_choices": 3},
    "all at once": {"error_500": 0.1, "timeout": 0.03, "reset": 0.05, "fewer": 0.2, "empty": 0.05, "cut": 0.05},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_step_has_the_rollouts_that_were_asked_for(
    fault: str, worker: None, model: Model, project: Project, endpoint: Endpoint
) -> None:
    add_sums(project, 60, steps=STEPS)
    model.control(**FAULTS[fault])
    if "timeout" in FAULTS[fault]:
        Endpoint.objects.filter(pk=endpoint.pk).update(timeout_s=1.0)
    run = started(project, endpoint)
    eventually(lambda: ended(run))
    assert_exact(run)
    assert model.stats()["most_in_flight"] <= IN_FLIGHT


def test_a_run_pauses_resumes_and_ends_exact(worker: None, model: Model, project: Project, endpoint: Endpoint) -> None:
    add_sums(project, 150, steps=STEPS)
    run = started(project, endpoint)
    eventually(lambda: EstimationRun.objects.get(pk=run.pk).rollouts > 100)
    pause_run(run=run)
    eventually(is_idle)
    run.refresh_from_db()
    assert run.status == JobStatus.PAUSED
    assert 0 < run.done < run.total
    asked = model.stats()["requests"]
    assert_exact(run, complete=False)
    time.sleep(1)
    assert model.stats()["requests"] == asked

    resume_run(run=run)
    wake_on_commit(EstimationRun.task, run.pk)
    eventually(lambda: ended(run))
    assert_exact(run)
    assert model.stats()["repeated"] == 0


def test_a_cancelled_run_keeps_what_it_has(worker: None, model: Model, project: Project, endpoint: Endpoint) -> None:
    add_sums(project, 300, steps=STEPS)
    run = started(project, endpoint)
    eventually(lambda: EstimationRun.objects.get(pk=run.pk).rollouts > 100)
    cancel_run(run=run)
    eventually(is_idle)
    run.refresh_from_db()
    assert run.status == JobStatus.CANCELLED
    assert run.done < run.total
    assert_exact(run, complete=False)


@pytest.mark.parametrize(("limit", "of"), [({"rollouts": 400}, "rollouts"), ({"tokens": 3000}, "tokens")])
def test_a_budget_pauses_the_run_and_a_larger_one_lets_it_go_on(
    limit: dict[str, int], of: str, worker: None, model: Model, project: Project, endpoint: Endpoint
) -> None:
    model.control(latency_s=0.1)  # Budgets are looked at a few times a second.
    add_sums(project, 80, steps=STEPS)
    run = started(project, endpoint, budget=limit)
    eventually(lambda: EstimationRun.objects.get(pk=run.pk).status == JobStatus.PAUSED)
    run.refresh_from_db()
    assert of in run.error
    # The worker lets go of what it held: a resumed run need not wait for leases to lapse.
    eventually(is_idle)
    assert not Shard.objects.unfinished().filter(run=run, leased_until__gt=timezone.now()).exists()
    resume_run(run=run, budget={})
    wake_on_commit(EstimationRun.task, run.pk)
    eventually(lambda: ended(run))
    assert_exact(run)


def test_an_endpoint_that_is_down_pauses_the_run_and_says_why(
    worker: None, model: Model, project: Project, endpoint: Endpoint
) -> None:
    add_sums(project, 20, steps=STEPS)
    Endpoint.objects.filter(pk=endpoint.pk).update(url="http://127.0.0.1:9/v1")
    run = started(project, endpoint)
    eventually(lambda: EstimationRun.objects.get(pk=run.pk).status == JobStatus.PAUSED)
    run.refresh_from_db()
    assert "cannot be reached" in run.error
    Endpoint.objects.filter(pk=endpoint.pk).update(url=model.url)
    resume_run(run=run)
    wake_on_commit(EstimationRun.task, run.pk)
    eventually(lambda: ended(run))
    assert_exact(run)


def test_a_refused_key_pauses_the_run_and_is_never_told(
    worker: None, model: Model, project: Project, endpoint: Endpoint
) -> None:
    from apps.inference.encryption import encrypt

    add_sums(project, 20, steps=STEPS)
    model.control(key="the right one")
    Endpoint.objects.filter(pk=endpoint.pk).update(encrypted_key=encrypt("sk-wrong-and-secret"))
    run = started(project, endpoint)
    eventually(lambda: EstimationRun.objects.get(pk=run.pk).status == JobStatus.PAUSED)
    run.refresh_from_db()
    assert "401" in run.error
    assert "sk-wrong" not in run.error
    assert "[key]" in run.error


def test_what_cannot_be_estimated_has_a_reason_and_the_rest_goes_on(
    worker: None, model: Model, project: Project, endpoint: Endpoint
) -> None:
    good = add_sums(project, 5, steps=STEPS)
    no_reference = add_sums(project, 1, steps=STEPS, reference=None)
    unreadable = add_sums(project, 1, steps=STEPS, reference="a proof by picture")
    no_steps = add_sums(project, 1, steps=0)
    run = started(project, endpoint)
    eventually(lambda: ended(run))
    told = dict(SolutionEstimate.objects.filter(run=run).values_list("solution_id", "failure"))
    assert all(told[pk] == "" for pk in good)
    assert "no reference answer" in told[no_reference[0]]
    assert "cannot be compared" in told[unreadable[0]]
    assert "no steps" in told[no_steps[0]]
    assert (run.status, run.failed, run.done) == (JobStatus.FINISHED, 3, 8)


def test_a_run_of_a_model_that_never_ends_has_failed_and_says_why(
    worker: None, model: Model, project: Project, endpoint: Endpoint
) -> None:
    add_sums(project, 3, steps=STEPS)
    model.control(cut=1.0)
    run = started(project, endpoint)
    eventually(lambda: ended(run))
    assert (run.rollouts, run.status) == (0, JobStatus.FAILED)
    assert "No rollout could be counted" in run.error
    note = SolutionEstimate.objects.filter(run=run).values_list("note", flat=True)[0]
    assert "cut off before their end" in note
    assert not StepEstimate.objects.filter(run=run, basis="rollouts").exists()
