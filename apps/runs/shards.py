"""The shards of a run: a worker claims and holds them, and loads the open items of each."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet, Value
from django.utils import timezone

from apps.core.db.prepared import Prepared, Rows, fetch
from apps.core.jobs.model import JobStatus
from apps.runs.models import RunShard, ShardedRun

LEASE = timedelta(seconds=20)

# Two statements: a flush locks its shards before the run, and one statement for both would lock them in another order.
_RENEW = """
    UPDATE {shards} SET leased_until = %(until)s
    WHERE id = ANY(%(open)s) AND holder = %(holder)s AND finished_at IS NULL AND leased_until < %(half)s RETURNING id
"""
_BEAT = "UPDATE {runs} SET beat_at = %(now)s WHERE id = %(run)s AND status = %(running)s RETURNING id"
_TAKE_OVER = """
    UPDATE {shards} SET holder = %(holder)s, leased_until = %(until)s WHERE id = (
        SELECT id FROM {shards} WHERE run_id = %(run)s AND finished_at IS NULL AND leased_until <= %(now)s
        ORDER BY leased_until LIMIT 1 FOR UPDATE SKIP LOCKED
    ) RETURNING id, after, upto, holder, leased_until
"""
_PLACE = "SELECT claimed_upto, last_item FROM {runs} WHERE id = %(run)s AND status = %(running)s FOR UPDATE"
_CLAIM = """
    WITH claimed AS (UPDATE {runs} SET claimed_upto = %(upto)s WHERE id = %(run)s)
    INSERT INTO {shards} (run_id, after, upto, holder, leased_until)
    VALUES (%(run)s, %(after)s, %(upto)s, %(holder)s, %(until)s) RETURNING id, after, upto, holder, leased_until
"""

_ALL_CLAIMED = "UPDATE {runs} SET claimed_upto = %(last)s WHERE id = %(run)s RETURNING id"


class WorkerShards:
    """The shards of one worker at a run. Queries are built once: building them took most of the time of a claim."""

    def __init__(self, run: ShardedRun, holder: str) -> None:
        self._run, self._holder = run, holder
        self._tables = {"runs": run._meta.db_table, "shards": run.shards.model._meta.db_table}

        # The run's selection never changes.
        def between(after: Value, upto: Value) -> QuerySet[Any, Any]:
            return run.items().filter(id__gt=after, id__lte=upto).order_by("id").values_list("id")

        self._items: Prepared[Any] = Prepared(between, "after", "upto", keeps_plan=False)

    def claim(self, count: int) -> RunShard | None:
        """A shard whose lease has lapsed, else one with the next `count` items of the run; None if there is neither."""
        now = timezone.now()
        rows = self._fetch(_TAKE_OVER, now=now, until=now + LEASE) or self._claim_next(count, now + LEASE)
        if not rows:
            return None
        names = ("id", "after", "upto", "holder", "leased_until")
        return self._run.shards.model.from_db(None, names, rows[0])

    def renew(self, shard_ids: Collection[int]) -> None:
        """Renew the leases that have passed their half, and show that a worker is at the run."""
        now = timezone.now()
        self._fetch(_RENEW, until=now + LEASE, half=now + LEASE / 2, open=list(shard_ids))
        self._fetch(_BEAT, now=now, running=JobStatus.RUNNING.value)

    def finish(self, shard_ids: Collection[int]) -> None:
        self._run.shards.filter(pk__in=shard_ids, holder=self._holder).update(finished_at=timezone.now())

    def release(self) -> None:
        """End the leases of the unfinished shards, so that any worker can claim them."""
        self._run.shards.filter(finished_at=None, holder=self._holder).update(leased_until=timezone.now())

    @transaction.atomic
    def _claim_next(self, count: int, until: datetime) -> Rows:
        place = self._fetch(_PLACE, running=JobStatus.RUNNING.value)
        if not place:
            return []
        after, last = place[0]
        ids = self._items.rows(after=after, upto=last, most=count)
        if not ids:
            self._fetch(_ALL_CLAIMED, last=last)
            return []
        return self._fetch(_CLAIM, after=after, upto=ids[-1][0], until=until)

    def _fetch(self, statement: str, **values: Any) -> Rows:
        return fetch(statement.format(**self._tables), {"run": self._run.pk, "holder": self._holder, **values})


class OpenItems:
    """The items of a shard that have no result yet. The query is built once for all shards of a worker."""

    def __init__(self, items: Callable[[], QuerySet[Any, Any]], results: QuerySet[Any, Any], item: str) -> None:
        """`results` are those of the run; `item` is the name of their column with the item's ID.

        `items` is called at the first use. It may query the database, and fail.
        """

        # The bounds keep the database from reading all results of the run for each shard.
        def between(after: Value, upto: Value) -> QuerySet[Any, Any]:
            done = results.filter(**{f"{item}__gt": after, f"{item}__lte": upto})
            return items().filter(id__gt=after, id__lte=upto).exclude(id__in=done.values(item))

        self._items: Prepared[Any] = Prepared(between, "after", "upto", keeps_plan=False)

    def of(self, shard: RunShard) -> list[Any]:
        """Instances, or tuples if the items are values."""
        return self._items.rows(after=shard.after, upto=shard.upto)


def next_lapse(run: ShardedRun) -> datetime | None:
    """When the first lease of an unfinished shard ends; None if all are finished."""
    unfinished = run.shards.filter(finished_at=None).order_by("leased_until")
    return unfinished.values_list("leased_until", flat=True).first()
