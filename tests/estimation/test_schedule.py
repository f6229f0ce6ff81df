"""Fair scheduling: one message per waiting run, projects served alternately, and no message for a run that has ended."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone
from redis import Redis

from apps.accounts.models import User
from apps.core.db.locks import try_advisory_lock
from apps.core.jobs.model import JobStatus
from apps.core.jobs.wakeups import drop, wake, wake_on_commit
from apps.estimation.models import EstimationRun, SamplingRun, Shard
from apps.estimation.runs.services import begin_run, cancel_run, pause_run, resume_run, start_run
from apps.estimation.sampling.services import (
    SAMPLING_LOCK,
    cancel_sampling,
    pause_sampling,
    resume_sampling,
    run_sampling,
    start_sampling,
)
from apps.estimation.tasks import work_on_run, work_on_sampling
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from apps.projects.services import create_project
from apps.runs import schedule
from apps.runs.schedule import has_waiting_runs, next_run, waiting_runs
from apps.runs.tasks import resume_abandoned
from tests.cast import make_problem, make_solution
from tests.estimation.corpus import add_sums
from tests.inference.scripted import ReceivedRequest, Reply, Scripted, completions, scripted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def no_worker() -> None:
    """A worker that has left a queue still takes a message of it while its last request to the broker is open, a second."""
    time.sleep(2)


@pytest.fixture
def queue(no_worker: None) -> Iterator[Redis]:
    """A real Valkey without a worker."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        for name in ("estimation", "annotate:estimation:served"):
            redis.delete(name)
        yield redis
        redis.delete("estimation")


def run_in(project: Project) -> EstimationRun:
    endpoint = Endpoint.objects.filter(project=project).first() or add_endpoint(
        project=project, name="model", url="http://127.0.0.1:9/v1", model="m"
    )
    if not project.solutions.exists():
        for _ in range(3):
            make_solution(make_problem(project, reference_answer="2"), is_correct=False)
    run = start_run(project=project, endpoint=endpoint, strategy="math-shepherd")
    wake_on_commit(EstimationRun.task, run.pk)
    return run


def test_many_beats_with_runs_that_wait_leave_one_message_for_each(queue: Redis, project: Project, alice: User) -> None:
    other = create_project(slug="geometry", name="Geometry", owner=alice)
    runs = [run_in(one) for one in (project, project, project, other)]
    sampling = start_sampling(project=project, endpoint=runs[0].endpoint)  # type: ignore[arg-type]
    SamplingRun.objects.update(created_at=timezone.now() - timedelta(hours=1))
    for _ in range(50):
        resume_abandoned()
    assert queue.llen("estimation") == len(runs) + 1
    for run in runs:
        wake_on_commit(EstimationRun.task, run.pk)
    assert queue.llen("estimation") == len(runs) + 1

    pause_run(run=runs[0])
    assert queue.llen("estimation") == len(runs)
    resume_run(run=runs[0])
    resume_abandoned()
    assert queue.llen("estimation") == len(runs) + 1

    for run in runs:
        cancel_run(run=run)
    assert queue.llen("estimation") == 1
    cancel_sampling(run=sampling)
    for _ in range(5):
        resume_abandoned()
    assert queue.llen("estimation") == 0


def test_projects_take_turns_whatever_the_number_of_their_runs(queue: Redis, project: Project, alice: User) -> None:
    other = create_project(slug="geometry", name="Geometry", owner=alice)
    many = [run_in(project) for _ in range(4)]
    one = run_in(other)
    taken = [waiting_run.pk for _ in range(8) if (waiting_run := next_run("estimation", waiting_runs()))]
    assert Counter(pk == one.pk for pk in taken) == {True: 4, False: 4}
    assert taken[0] != taken[1]
    assert {pk for pk in taken if pk != one.pk} == {run.pk for run in many}


def test_a_run_has_so_many_workers_and_no_more(queue: Redis, project: Project) -> None:
    run = run_in(project)
    assert begin_run(run_id=run.pk) is not None
    later = timezone.now() + timedelta(minutes=1)
    for number in range(settings.RUN_FANOUT):
        assert [one.pk for one in waiting_runs()] == [run.pk]
        Shard.objects.create(run=run, after=number, upto=number, holder=f"worker {number}", leased_until=later)
    assert waiting_runs() == []
    assert next_run("estimation", waiting_runs()) is None
    other = run_in(project)
    assert has_waiting_runs(run)
    assert not has_waiting_runs(other)
    # One of them is gone: its place is free again, and so is what it held.
    Shard.objects.filter(holder="worker 0").update(leased_until=timezone.now() - timedelta(seconds=1))
    assert run.pk in [one.pk for one in waiting_runs()]


def test_a_run_needs_no_worker_while_all_is_leased_and_one_when_all_is_finished(queue: Redis, project: Project) -> None:
    run = run_in(project)
    begin_run(run_id=run.pk)
    EstimationRun.objects.filter(pk=run.pk).update(claimed_upto=run.last_item)
    later = timezone.now() + timedelta(minutes=1)
    shard = Shard.objects.create(run=run, after=0, upto=run.last_item, holder="worker", leased_until=later)
    assert waiting_runs() == []
    shard.finished_at = timezone.now()
    shard.save()
    assert [one.pk for one in waiting_runs()] == [run.pk]


def test_a_message_with_nothing_to_do_ends_at_once(queue: Redis, project: Project) -> None:
    run = run_in(project)
    cancel_run(run=run)
    work_on_run(run.pk)
    assert queue.llen("estimation") == 0


def test_messages_are_distinguished_by_task_and_key(queue: Redis) -> None:
    name = work_on_run.name
    assert [wake(name, 1), wake(name, 1), wake(name, 11)] == [True, False, True]
    current_app.send_task("apps.estimation.tasks.work_on_sampling", args=[1])
    assert queue.llen("estimation") == 3
    assert [drop(name, 1), drop(name, 1), drop(name, 2)] == [1, 0, 0]
    assert queue.llen("estimation") == 2


# --- sampling runs take part in it ------------------------------------------------------------------------


def sampling_in(project: Project, url: str = "http://127.0.0.1:9/v1", **terms: Any) -> SamplingRun:
    endpoint = Endpoint.objects.filter(project=project, url=url).first() or add_endpoint(
        project=project, name="writer", url=url, model="m", settings={"max_in_flight": 2}
    )
    if not project.problems.exists():
        add_sums(project, 30)
    run = start_sampling(project=project, endpoint=endpoint, **terms)
    wake_on_commit(SamplingRun.task, run.pk)
    return run


def test_a_sampling_run_has_one_message_and_at_rest_none(queue: Redis, project: Project) -> None:
    run = sampling_in(project)
    wake_on_commit(SamplingRun.task, run.pk)
    assert queue.llen("estimation") == 1
    pause_sampling(run=run)
    assert queue.llen("estimation") == 0
    resume_sampling(run=run)
    for _ in range(3):
        wake_on_commit(SamplingRun.task, run.pk)
        resume_abandoned()
    assert queue.llen("estimation") == 1
    cancel_sampling(run=run)
    assert queue.llen("estimation") == 0


def test_estimation_and_sampling_runs_take_turns_by_project(queue: Redis, project: Project, alice: User) -> None:
    other = create_project(slug="geometry", name="Geometry", owner=alice)
    many = [sampling_in(project) for _ in range(3)]
    one = run_in(other)
    # The same number: told apart by what kind of run it is.
    EstimationRun.objects.filter(pk=one.pk).update(id=many[0].pk)
    taken = [waiting_run for _ in range(6) if (waiting_run := next_run("estimation", waiting_runs()))]
    assert Counter(waiting_run.project == other.pk for waiting_run in taken) == {True: 3, False: 3}
    assert {waiting_run.pk for waiting_run in taken if waiting_run.project == project.pk} == {run.pk for run in many}


def test_a_sampling_run_with_a_worker_is_not_waiting(queue: Redis, project: Project) -> None:
    run, other = sampling_in(project), sampling_in(project)
    assert has_waiting_runs(run)
    with try_advisory_lock(SAMPLING_LOCK, run.pk) as claimed:
        assert claimed
        assert [one.pk for one in waiting_runs()] == [other.pk]
        assert not has_waiting_runs(other)
    assert [one.pk for one in waiting_runs()] == [run.pk, other.pk]


def _writing(asked: ReceivedRequest) -> Reply:
    """`n` texts, different for each seed; of several every third is empty, so that it is requested again."""
    seed, n = asked.body["seed"], asked.body["n"]
    texts = [
        "" if n > 1 and (seed + place) % 3 == 0 else f"Of {seed}, {place}.\nThe answer is: {place}"
        for place in range(n)
    ]
    reply = completions(*texts)
    reply.hang_s = 0.12  # Long enough for a turn to end before the run does, on a busy machine too.
    return reply


def _seeds(server: Scripted) -> Counter[int]:
    return Counter(body["seed"] for body in server.bodies)


def _served_once(queue: Redis) -> None:
    """As an idle worker would."""
    assert queue.lpop("estimation")
    work_on_sampling(0)


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "SHORT_SLICE_S", 0.0)
    monkeypatch.setattr(schedule, "CHECK_WAITING_EVERY_S", 0.0)


def test_sampling_runs_give_way_to_each_other_and_nothing_is_lost_or_asked_for_twice(
    queue: Redis, project: Project, short_turns: None
) -> None:
    with scripted(_writing) as server:
        runs = [sampling_in(project, server.url, per_problem=3, seed=seed) for seed in (1, 2)]
        _served_once(queue)
        done = [SamplingRun.objects.get(pk=run.pk) for run in runs]
        assert [one.status for one in done] == [JobStatus.RUNNING, JobStatus.QUEUED]
        assert 0 < done[0].done < 30
        assert len(server.asked) == done[0].requests > done[0].done
        _served_once(queue)
        assert 0 < SamplingRun.objects.get(pk=runs[1].pk).done < 30
        while queue.llen("estimation"):
            _served_once(queue)
        asked = _seeds(server)
    assert set(asked.values()) == {1}
    for run in SamplingRun.objects.all():
        assert (run.status, run.done, run.solutions, run.duplicates) == (JobStatus.FINISHED, 30, 90, 0)
        assert run.problems.count() == 30
    assert sum(run.requests for run in SamplingRun.objects.all()) == asked.total()
    # The same as by one worker, all at once.
    with scripted(_writing) as server:
        Endpoint.objects.filter(name="writer").update(url=server.url)
        for seed in (1, 2):
            again = run_sampling(run_id=sampling_in(project, server.url, per_problem=3, seed=seed).pk)
            assert (again.solutions, again.duplicates) == (0, 90)
        assert _seeds(server) == asked


def test_estimation_and_sampling_give_way_to_each_other_and_not_to_a_run_that_rests(
    queue: Redis, project: Project, short_turns: None
) -> None:
    with scripted(_writing) as server:
        sampling = sampling_in(project, server.url, per_problem=3)
        estimation = run_in(project)
        for _ in range(2):
            _served_once(queue)
        sampling.refresh_from_db()
        estimation.refresh_from_db()
        assert sampling.status == estimation.status == JobStatus.RUNNING
        assert 0 < sampling.done < 30
        assert estimation.rollouts + estimation.missing > 0
        pause_run(run=estimation)
        _served_once(queue)
    sampling.refresh_from_db()
    assert (sampling.status, sampling.done, queue.llen("estimation")) == (JobStatus.FINISHED, 30, 0)
