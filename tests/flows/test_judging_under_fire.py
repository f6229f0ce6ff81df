"""Judge runs with real worker processes against a judge that fails in every way: each item ends, and counts are exact."""

from __future__ import annotations

import time
from typing import Any

import pytest

from apps.core.jobs.model import JobStatus
from apps.estimation.models import EstimationRun
from apps.estimation.runs.services import cancel_run, start_run
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.judging.judges import save_judge
from apps.judging.models import ComparisonVerdict, Judge, JudgeReply, JudgeRun
from apps.judging.runs.services import cancel_judging, pause_judging, resume_judging, start_judging
from apps.projects.models import Project
from tests.estimation.corpus import add_sums
from tests.estimation.model import Model, model_of
from tests.judging.corpus import add_checked, add_rivals
from tests.judging.exact import (
    ATTEMPTS,
    assert_one_revision_each,
    assert_texts,
    assert_true,
    assert_whole,
    lease_is_over,
)
from tests.judging.model import assert_counts, judges_of
from tests.processes import AtWork, StartWorker, eventually, is_idle

IN_FLIGHT = 32


@pytest.fixture
def server(judge_server: str, transactional_db: None) -> Model:
    return judges_of(judge_server, latency_s=0.05, hang_s=2.5)


@pytest.fixture
def endpoint(server: Model, project: Project) -> Endpoint:
    """So patient that what a busy machine answers late is not asked for again."""
    settings = {"max_in_flight": IN_FLIGHT, "timeout_s": 60.0, "transport": "completions"}
    return add_endpoint(project=project, name="judge", url=server.url, model="judge-7b", settings=settings)


def judge(endpoint: Endpoint, kind: str = "steps", **options: Any) -> Judge:
    assert endpoint.project is not None
    return save_judge(project=endpoint.project, endpoint=endpoint, kind=kind, options=options)


def started(endpoint: Endpoint, kind: str = "steps", *, selection: dict[str, Any] | None = None, **options: Any) -> Any:
    by = judge(endpoint, kind, **options)
    return start_judging(judge=by, selection=selection, options={"attempts": ATTEMPTS}, seed=3)


def stored(run: JudgeRun) -> JudgeRun:
    return JudgeRun.objects.get(pk=run.pk)


def ended(run: JudgeRun) -> bool:
    run.refresh_from_db()
    return run.has_ended


def finished(run: JudgeRun) -> None:
    eventually(lambda: ended(run))
    assert run.status == JobStatus.FINISHED, run.error
    assert_counts(run)


REPLIES = {"refuses": 0.08, "out_of_range": 0.2, "cut": 0.25}
FAULTS: dict[str, dict[str, float]] = {
    "http 500": {"error_500": 0.10},
    "time-outs": {"timeout": 0.05},
    "a storm of 429": {"too_many": 0.5},
    "connections reset": {"reset": 0.10},
    "malformed json": {"garbage": 0.10},
    "refusals": {"refuses": 0.3},
    "wrong step numbers": {"out_of_range": 0.5},
    "truncated replies": {"cut": 0.5},
    "all at once": {"error_500": 0.1, "timeout": 0.05, "too_many": 0.1, "reset": 0.05, "garbage": 0.05, **REPLIES},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_item_ends_as_a_verdict_a_refusal_or_unreadable(
    fault: str, worker: None, server: Model, project: Project, endpoint: Endpoint
) -> None:
    errors = add_checked(project, 80)
    server.control(**FAULTS[fault])
    if "timeout" in FAULTS[fault]:
        Endpoint.objects.filter(pk=endpoint.pk).update(timeout_s=2.0)
    run = started(endpoint)
    finished(run)
    assert run.verdicts > 0
    assert (run.refusals > 0) == ("refuses" in FAULTS[fault])
    assert (run.unreadable > 0) == ("cut" in FAULTS[fault] or "out_of_range" in FAULTS[fault])
    assert_whole(run)
    assert_true(run, errors)
    assert_texts(run, **FAULTS[fault])
    stats = server.stats()
    assert stats["most_in_flight"] <= IN_FLIGHT
    if "timeout" not in FAULTS[fault]:
        assert stats["repeated"] == 0
        assert run.requests == stats["requests"]
        assert JudgeReply.objects.filter(run=run).count() == stats["answered"]


def test_json_that_breaks_off_is_asked_for_again_then_unreadable(
    worker: None, server: Model, project: Project, endpoint: Endpoint
) -> None:
    add_checked(project, 60)
    server.control(cut=0.6, error_500=0.1, garbage=0.1)
    run = started(endpoint, "outcome")
    finished(run)
    assert run.verdicts > 0
    assert run.unreadable > 0
    assert run.refusals == 0
    assert_whole(run)
    assert_texts(run, cut=0.6)


@pytest.mark.parametrize(
    "faults", [{"fewer": 0.5}, {"most_choices": 2}, {"fewer": 0.4, "error_500": 0.1, "garbage": 0.05, **REPLIES}]
)
def test_every_vote_is_asked_for_until_it_is_there(
    faults: dict[str, float], worker: None, server: Model, project: Project, endpoint: Endpoint
) -> None:
    errors = add_checked(project, 50)
    server.control(**faults)
    run = started(endpoint, votes=5)
    finished(run)
    assert_true(run, errors)
    replies = JudgeReply.objects.filter(run=run)
    assert replies.filter(attempt=0).count() == 50 * 5
    assert set(replies.values_list("slot", flat=True)) == set(range(5))
    assert server.stats()["repeated"] == 0


def test_both_orders_of_every_pair_are_asked_for(
    worker: None, server: Model, project: Project, endpoint: Endpoint
) -> None:
    add_rivals(project, 40)
    server.control(error_500=0.1, garbage=0.1, too_many=0.1, prefers="right")
    run = started(endpoint, "comparison", selection={"pairs": "right_wrong"})
    finished(run)
    assert (run.verdicts, run.undecided) == (40, 0)
    assert_texts(run, prefers="right")
    for verdict in ComparisonVerdict.objects.filter(run=run).select_related("comparison__left"):
        assert (verdict.choice == "left") == verdict.comparison.left.is_correct
    assert server.stats()["repeated"] == 0


def test_each_solution_is_revised_once(worker: None, server: Model, project: Project, endpoint: Endpoint) -> None:
    add_checked(project, 40)
    server.control(error_500=0.1, garbage=0.1, too_many=0.1)
    run = started(endpoint, "critique-revise", revisions=1)
    finished(run)
    assert run.verdicts == run.new_solutions == 40
    assert_one_revision_each(run)
    assert server.stats()["repeated"] == 0


def test_two_workers_share_the_limit_of_the_endpoint(
    worker: None, server: Model, project: Project, endpoint: Endpoint
) -> None:
    add_checked(project, 400)
    server.control(latency_s=0.2)
    run = started(endpoint)
    eventually(lambda: run.shards.values("holder").distinct().count() == 2)
    finished(run)
    stats = server.stats()
    assert IN_FLIGHT / 2 < stats["most_in_flight"] <= IN_FLIGHT
    assert (stats["repeated"], stats["requests"]) == (0, 400)


def test_a_run_pauses_resumes_and_asks_nothing_twice(
    worker: None, server: Model, project: Project, endpoint: Endpoint
) -> None:
    errors = add_checked(project, 200)
    run = started(endpoint, votes=2)
    eventually(lambda: stored(run).done > 20)
    pause_judging(run=run)
    eventually(is_idle)
    run.refresh_from_db()
    assert run.status == JobStatus.PAUSED
    assert 0 < run.done < 200
    assert_counts(run, complete=False)
    asked = server.stats()["requests"]
    assert asked == run.requests
    time.sleep(1)
    assert server.stats()["requests"] == asked
    resume_judging(run=run)
    finished(run)
    assert_true(run, errors)
    assert server.stats()["repeated"] == 0


def test_a_cancelled_run_keeps_its_verdicts(worker: None, server: Model, project: Project, endpoint: Endpoint) -> None:
    errors = add_checked(project, 300)
    run = started(endpoint)
    eventually(lambda: stored(run).done > 10)
    cancel_judging(run=run)
    eventually(is_idle)
    run.refresh_from_db()
    assert run.status == JobStatus.CANCELLED
    assert 0 < run.done < 300
    assert_counts(run, complete=False)
    assert_true(run, errors)


def test_an_endpoint_that_goes_down_pauses_the_run_with_the_reason_and_it_resumes(
    worker: None, server: Model, project: Project, endpoint: Endpoint
) -> None:
    errors = add_checked(project, 300)
    run = started(endpoint)
    eventually(lambda: stored(run).done > 10)
    server.control(is_down=True)
    eventually(lambda: stored(run).status == JobStatus.PAUSED)
    eventually(is_idle)
    run.refresh_from_db()
    assert "503" in run.error
    assert 0 < run.done < 300
    assert_counts(run, complete=False)
    assert not JudgeReply.objects.filter(run=run, outcome="lost").exists()
    server.control(is_down=False)
    resume_judging(run=run)
    finished(run)
    assert (run.verdicts, run.error) == (300, "")
    assert_true(run, errors)
    assert server.stats()["repeated"] == 0


def test_workers_that_take_over_each_others_items_count_each_once(
    worker: None, server: Model, project: Project, endpoint: Endpoint
) -> None:
    """Leases lapse again and again, as if workers had been stopped for long, while all of them go on."""
    errors = add_checked(project, 300)
    server.control(latency_s=0.15, fewer=0.3, out_of_range=0.2)
    run = started(endpoint, votes=3)
    while not ended(run):
        lease_is_over(run)
        time.sleep(0.2)
    finished(run)
    assert_true(run, errors)
    assert JudgeReply.objects.filter(run=run, attempt=0).count() == 300 * 3


@pytest.mark.parametrize("queue", ["estimation", "judging"])
def test_a_worker_serves_the_runs_of_its_queues_alone(
    queue: str, start_worker: StartWorker, server: Model, model_server: str, project: Project, endpoint: Endpoint
) -> None:
    add_sums(project, 10)
    model = model_of(model_server, latency_s=0.01)
    completer = add_endpoint(project=project, name="model", url=model.url, model="sums", settings={})
    judging = started(endpoint)
    estimation = start_run(project=project, endpoint=completer, strategy="math-shepherd", seed=3)
    served, other = (estimation, judging) if queue == "estimation" else (judging, estimation)
    with start_worker(queues=queue):
        eventually(lambda: type(served).objects.get(pk=served.pk).has_ended)
        time.sleep(1)
    served.refresh_from_db()
    other.refresh_from_db()
    assert served.status == JobStatus.FINISHED
    assert (other.status, other.done) == (JobStatus.QUEUED, 0)
    assert (server if queue == "estimation" else model).stats()["requests"] == 0
    # Nothing of them is left for the workers of other tests.
    cancel_judging(run=judging)
    cancel_run(run=EstimationRun.objects.get(pk=estimation.pk))


def test_a_run_of_which_nothing_can_be_read_has_failed_and_says_why(
    at_work: AtWork, server: Model, project: Project, endpoint: Endpoint
) -> None:
    add_checked(project, 20)
    server.control(cut=1.0)
    run = started(endpoint)
    with at_work():
        eventually(lambda: ended(run))
    assert (run.status, run.verdicts, run.unreadable) == (JobStatus.FAILED, 0, 20)
    assert "There is no verdict. 20 solutions unreadable" in run.error
    assert_counts(run)
