"""The shards of two workers at one run: each item is claimed once, until a lease lapses."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.judging.models import JudgeRun, JudgeShard, SolutionVerdict
from apps.judging.runs.services import start_judging
from apps.judging.worker.load import open_items
from apps.projects.models import Project
from apps.runs.lifecycle import begin, is_processed, pause
from apps.runs.models import RunShard
from apps.runs.shards import LEASE, WorkerShards
from tests.estimation.model import Model
from tests.judging.corpus import add_checked
from tests.judging.model import make_judge


@pytest.fixture
def run(project: Project) -> JudgeRun:
    """A run of 5 solutions, which no worker has begun."""
    add_checked(project, 5)
    judge = make_judge(project, Model("http://127.0.0.1:9/v1"))
    run = begin(JudgeRun, start_judging(judge=judge).pk)
    assert run is not None
    return run


def ids_of(run: JudgeRun) -> list[int]:
    return list(run.items().order_by("id").values_list("id", flat=True))


def claimed(shards: WorkerShards, count: int) -> RunShard:
    shard = shards.claim(count)
    assert shard is not None
    return shard


def let_lapse(run: JudgeRun) -> None:
    run.shards.update(leased_until=timezone.now() - timedelta(seconds=1))


def test_claims_follow_each_other_without_gaps_and_end(run: JudgeRun) -> None:
    one, other, items = WorkerShards(run, "one"), WorkerShards(run, "other"), open_items(run)
    shards = [one.claim(2), other.claim(2), one.claim(2), other.claim(2)]
    claimed = [[item.pk for item in items.of(shard)] for shard in shards if shard is not None]
    assert claimed == [ids_of(run)[:2], ids_of(run)[2:4], ids_of(run)[4:]]
    assert shards[3] is None
    run.refresh_from_db()
    assert run.claimed_upto == run.last_item
    assert not is_processed(run)
    assert [shard.holder for shard in JudgeShard.objects.order_by("after")] == ["one", "other", "one"]


def test_a_lapsed_shard_is_claimed_first_and_by_one_worker_only(run: JudgeRun) -> None:
    lost = claimed(WorkerShards(run, "lost"), 2)
    let_lapse(run)
    one, other = WorkerShards(run, "one"), WorkerShards(run, "other")
    taken, following = claimed(one, 5), claimed(other, 5)
    assert (taken.pk, taken.after, taken.upto, taken.holder) == (lost.pk, lost.after, lost.upto, "one")
    assert taken.leased_until > timezone.now() + LEASE / 2
    assert following.after == lost.upto


def test_a_renewed_shard_does_not_lapse_and_anothers_is_not_renewed(run: JudgeRun) -> None:
    one, other = WorkerShards(run, "one"), WorkerShards(run, "other")
    shard, others = claimed(one, 2), claimed(other, 2)
    let_lapse(run)
    one.renew([shard.pk, others.pk])
    assert run.shards.get(pk=shard.pk).leased_until > timezone.now() + LEASE / 2
    assert run.shards.get(pk=others.pk).leased_until < timezone.now()
    before = run.shards.get(pk=shard.pk).leased_until
    one.renew([shard.pk])
    assert run.shards.get(pk=shard.pk).leased_until == before, "A lease in its first half is left alone."


def test_only_items_without_a_result_are_open(run: JudgeRun) -> None:
    first, *others = ids_of(run)
    SolutionVerdict.objects.create(run=run, solution_id=first, outcome="unreadable")
    shard = claimed(WorkerShards(run, "one"), 5)
    assert [item.pk for item in open_items(run).of(shard)] == others


def test_a_released_shard_can_be_claimed_at_once(run: JudgeRun) -> None:
    one, other = WorkerShards(run, "one"), WorkerShards(run, "other")
    shard = claimed(one, 5)
    one.release()
    again = claimed(other, 1)
    assert again.pk == shard.pk
    other.finish([again.pk])
    assert one.claim(5) is None
    run.refresh_from_db()
    assert is_processed(run)


def test_a_finished_shard_of_another_worker_stays_as_it_is(run: JudgeRun) -> None:
    shard = claimed(WorkerShards(run, "one"), 5)
    WorkerShards(run, "other").finish([shard.pk])
    assert run.shards.get().finished_at is None


def test_nothing_new_of_a_paused_run_is_claimed(run: JudgeRun) -> None:
    shards = WorkerShards(run, "one")
    claimed(shards, 1)
    pause(run)
    assert shards.claim(1) is None
    run.refresh_from_db()
    assert run.claimed_upto < run.last_item
