"""Claiming of shards: the next range of a run's items, or one whose lease has lapsed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.core.jobs.model import JobStatus
from apps.runs.models import RunShard, ShardedRun

LEASE = timedelta(seconds=20)


@transaction.atomic
def claim_shard(run: ShardedRun, holder: str, count: int) -> RunShard | None:
    """A shard whose lease has lapsed, else one with the next `count` items of the run; None if there is neither."""
    now = timezone.now()
    lapsed = run.shards.filter(finished_at=None, leased_until__lte=now).order_by("leased_until")
    shard = lapsed.select_for_update(skip_locked=True).first()
    if shard is not None:
        shard.holder, shard.leased_until = holder, now + LEASE
        shard.save(update_fields=["holder", "leased_until"])
        return shard
    runs = type(run).objects
    row = runs.select_for_update(of=("self",)).only("status", "claimed_upto", "last_item").get(pk=run.pk)
    if row.status != JobStatus.RUNNING:
        return None
    # The passed run has loaded its project, and its selection never changes.
    unclaimed = run.items().filter(id__gt=row.claimed_upto, id__lte=row.last_item)
    ids = list(unclaimed.order_by("id").values_list("id", flat=True)[:count])
    after, upto = row.claimed_upto, ids[-1] if ids else row.last_item
    runs.filter(pk=run.pk).update(claimed_upto=upto)
    if not ids:
        return None
    return run.shards.create(after=after, upto=upto, holder=holder, leased_until=now + LEASE)


def finish_shards(run: ShardedRun, shard_ids: Collection[int]) -> None:
    run.shards.filter(pk__in=shard_ids).update(finished_at=timezone.now())


def renew_leases(run: ShardedRun, holder: str, shard_ids: Collection[int]) -> None:
    """Renew the leases that have passed their half."""
    now = timezone.now()
    own = run.shards.filter(finished_at=None, pk__in=shard_ids, holder=holder)
    own.filter(leased_until__lt=now + LEASE / 2).update(leased_until=now + LEASE)


def release_shards(run: ShardedRun, holder: str) -> None:
    """End the leases of the holder's unfinished shards, so that any worker can claim them."""
    run.shards.filter(finished_at=None, holder=holder).update(leased_until=timezone.now())


def next_lapse(run: ShardedRun) -> datetime | None:
    """When the first lease of an unfinished shard ends; None if all are finished."""
    unfinished = run.shards.filter(finished_at=None).order_by("leased_until")
    return unfinished.values_list("leased_until", flat=True).first()
