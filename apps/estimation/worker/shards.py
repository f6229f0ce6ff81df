"""Claiming of shards: the next range of a run's solutions, or one whose lease has lapsed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.core.jobs.model import JobStatus
from apps.estimation.models import EstimationRun, Shard
from apps.estimation.runs.selection import selected

LEASE = timedelta(seconds=20)


@transaction.atomic
def claim_shard(run: EstimationRun, holder: str, count: int) -> Shard | None:
    """A shard whose lease has lapsed, else one with the next `count` solutions of the run; None if there is neither."""
    now = timezone.now()
    shard = (
        Shard.objects.unfinished()
        .filter(run=run, leased_until__lte=now)
        .select_for_update(skip_locked=True)
        .order_by("leased_until")
        .first()
    )
    if shard is not None:
        shard.holder, shard.leased_until = holder, now + LEASE
        shard.save(update_fields=["holder", "leased_until"])
        return shard
    run = EstimationRun.objects.select_for_update(of=("self",)).get(pk=run.pk)
    if run.status != JobStatus.RUNNING:
        return None
    ids = list(
        selected(run)
        .filter(id__gt=run.first_solution, id__lte=run.last_solution)
        .order_by("id")
        .values_list("id", flat=True)[:count]
    )
    after, upto = run.first_solution, ids[-1] if ids else run.last_solution
    EstimationRun.objects.filter(pk=run.pk).update(first_solution=upto)
    if not ids:
        return None
    return Shard.objects.create(run=run, after=after, upto=upto, holder=holder, leased_until=now + LEASE)


def finish_shards(shard_ids: Collection[int]) -> None:
    Shard.objects.filter(pk__in=shard_ids).update(finished_at=timezone.now())


def renew_leases(holder: str, shard_ids: Collection[int]) -> None:
    """Renew the leases that have passed their half."""
    now = timezone.now()
    own = Shard.objects.unfinished().filter(pk__in=shard_ids, holder=holder)
    own.filter(leased_until__lt=now + LEASE / 2).update(leased_until=now + LEASE)


def release_shards(run: EstimationRun, holder: str) -> None:
    """End the leases of the holder's unfinished shards, so that any worker can claim them."""
    Shard.objects.unfinished().filter(run=run, holder=holder).update(leased_until=timezone.now())


def next_lapse(run: EstimationRun) -> datetime | None:
    """When the first lease of an unfinished shard ends; None if all are finished."""
    return (
        Shard.objects.unfinished()
        .filter(run=run)
        .order_by("leased_until")
        .values_list("leased_until", flat=True)
        .first()
    )
