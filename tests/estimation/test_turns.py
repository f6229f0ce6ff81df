"""The queue of estimation stays as long as there are runs, projects take turns, and what is over leaves nothing behind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from celery import current_app
from django.conf import settings
from django.utils import timezone
from redis import Redis

from apps.accounts.models import User
from apps.core.wake import drop, wake
from apps.estimation.models import EstimationRun, SamplingRun, Shard
from apps.estimation.sampling import cancel_sampling, start_sampling
from apps.estimation.services import begin, cancel_run, pause_run, resume_run, start_run
from apps.estimation.tasks import call_workers, resume_abandoned, work_on_run
from apps.estimation.turns import others_wait, take_turn, waiting_runs
from apps.inference.models import Endpoint
from apps.inference.services import add_endpoint
from apps.projects.models import Project
from apps.projects.services import create_project
from tests.cast import make_problem, make_solution

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue() -> Iterator[Redis]:
    """Real Valkey, with nobody who takes messages."""
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
    call_workers(run.pk)
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
        call_workers(run.pk)
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
    taken = [take_turn() for _ in range(8)]
    assert Counter(pk == one.pk for pk in taken) == {True: 4, False: 4}
    assert taken[0] != taken[1]
    assert {pk for pk in taken if pk != one.pk} == {run.pk for run in many}


def test_a_run_has_so_many_workers_and_no_more(queue: Redis, project: Project) -> None:
    run = run_in(project)
    assert begin(run_id=run.pk) is not None
    later = timezone.now() + timedelta(minutes=1)
    for number in range(settings.ESTIMATION_FANOUT):
        assert [one.pk for one in waiting_runs()] == [run.pk]
        Shard.objects.create(run=run, after=number, upto=number, holder=f"worker {number}", leased_until=later)
    assert waiting_runs() == []
    assert take_turn() is None
    other = run_in(project)
    assert others_wait(run)
    assert not others_wait(other)
    # One of them is gone: its place is free again, and so is what it held.
    Shard.objects.filter(holder="worker 0").update(leased_until=timezone.now() - timedelta(seconds=1))
    assert run.pk in [one.pk for one in waiting_runs()]


def test_all_claimed_and_in_hand_needs_nobody_and_all_done_needs_one(queue: Redis, project: Project) -> None:
    run = run_in(project)
    begin(run_id=run.pk)
    EstimationRun.objects.filter(pk=run.pk).update(first_solution=run.last_solution)
    later = timezone.now() + timedelta(minutes=1)
    shard = Shard.objects.create(run=run, after=0, upto=run.last_solution, holder="worker", leased_until=later)
    assert waiting_runs() == []
    shard.finished_at = timezone.now()
    shard.save()
    assert [one.pk for one in waiting_runs()] == [run.pk]


def test_a_message_with_nothing_to_do_ends_at_once(queue: Redis, project: Project) -> None:
    run = run_in(project)
    cancel_run(run=run)
    work_on_run(run.pk)
    assert queue.llen("estimation") == 0


def test_messages_are_told_apart_by_task_and_key(queue: Redis) -> None:
    name = work_on_run.name
    assert [wake(name, 1), wake(name, 1), wake(name, 11)] == [True, False, True]
    current_app.send_task("apps.estimation.tasks.work_on_sampling", args=[1])
    assert queue.llen("estimation") == 3
    assert [drop(name, 1), drop(name, 1), drop(name, 2)] == [1, 0, 0]
    assert queue.llen("estimation") == 2
