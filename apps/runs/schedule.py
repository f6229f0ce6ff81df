"""Fair scheduling: workers alternate between projects, and within a project between its runs.

A wake-up message only announces work. A free worker takes a run of the project that was served least recently, in
whatever order the runs were started and of whatever kind they are (`settings.RUN_KINDS`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from django.conf import settings
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.module_loading import import_string
from redis import Redis

from apps.core.jobs.wakeups import queue_of, wake
from apps.runs.models import Run, ShardedRun
from apps.runs.status import LIVE

# The longest work slice of a worker at one run.
SLICE_S = 600.0
# The work slice while other runs wait for a worker. Requests in flight are completed after it.
SHORT_SLICE_S = 30.0
CHECK_WAITING_EVERY_S = 5.0
# How long requests in flight may take when a run is paused or its slice ends; then they are cancelled.
GRACE_S = 60.0
_SERVED_S = 24 * 3600
# One script, so that two workers that become free at once do not take the same run.
_NEXT_RUN = """
local best, oldest = nil, nil
for i = 1, #ARGV - 2, 2 do
  local project = tonumber(redis.call('HGET', KEYS[1], 'project:' .. ARGV[i + 1]) or 0)
  local run = tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or 0)
  if best == nil or project < oldest[1] or (project == oldest[1] and run < oldest[2]) then
    best, oldest = i, {project, run}
  end
end
if best == nil then return false end
redis.call('HSET', KEYS[1], 'project:' .. ARGV[best + 1], ARGV[#ARGV - 1], ARGV[best], ARGV[#ARGV - 1])
redis.call('EXPIRE', KEYS[1], ARGV[#ARGV])
return best
"""


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A run that can use one more worker."""

    pk: int
    project: int
    workers: int
    task: str

    @property
    def name(self) -> str:
        """Unique: runs of two kinds may have the same ID."""
        return f"{self.task}:{self.pk}"


class RunKind(Protocol):
    """A kind of runs that share the workers. `serve` works on a run until it ends, pauses, or the work slice is over."""

    task: str

    def waiting(self) -> list[WaitingRun]: ...

    def serve(self, run_id: int) -> None: ...


def run_kinds() -> list[RunKind]:
    return [import_string(name) for name in settings.RUN_KINDS]


def waiting_runs() -> list[WaitingRun]:
    """Live runs of all kinds that can use one more worker."""
    return [run for kind in run_kinds() for run in kind.waiting()]


def waiting_sharded_runs(kind: type[ShardedRun], all_shards: QuerySet[Any]) -> list[WaitingRun]:
    """Live runs with unclaimed items or without a worker, up to RUN_FANOUT workers each."""
    columns = ("pk", "project_id", F("last_item") - F("claimed_upto"))
    live = list(kind.objects.filter(status__in=LIVE, origin="").order_by("pk").values_list(*columns))
    if not live:
        return []
    now = timezone.now()
    shards = all_shards.filter(finished_at=None, run__in=[pk for pk, *_ in live]).values("run_id")
    shard_counts = shards.annotate(
        workers=Count("holder", filter=Q(leased_until__gt=now), distinct=True),
        lapsed=Count("pk", filter=Q(leased_until__lte=now)),
    )
    shards_of = {row["run_id"]: (row["workers"], row["lapsed"]) for row in shard_counts}
    waiting = []
    for pk, project, unclaimed in live:
        workers, lapsed = shards_of.get(pk, (0, 0))
        if workers < settings.RUN_FANOUT and (unclaimed > 0 or lapsed or not workers):
            waiting.append(WaitingRun(pk, project, workers, kind.task))
    return waiting


def next_run(queue: str, waiting: Sequence[WaitingRun]) -> WaitingRun | None:
    """The run for a worker of this queue that is free now; None if none can use a worker. Raises redis.RedisError."""
    runs = [run for run in waiting if queue_of(run.task) == queue]
    if not runs:
        return None
    arguments = [part for run in runs for part in (run.name, run.project)]
    with Redis.from_url(settings.REDIS_URL) as redis:
        position = redis.eval(_NEXT_RUN, 1, "annotate:runs:served", *arguments, time.time(), _SERVED_S)
    # Lua counts from one, and each run has two arguments.
    return None if position is None else runs[(int(position) - 1) // 2]


def has_waiting_runs(run: Run) -> bool:
    """Whether another run has no worker at all."""
    own = (run.pk, run.task)
    return any(other.workers == 0 and (other.pk, other.task) != own for other in waiting_runs())


class WorkSlice:
    """A worker's time at one run: up to SLICE_S, or SHORT_SLICE_S while other runs wait."""

    def __init__(self, run: Run) -> None:
        self._run = run
        now = time.monotonic()
        self._until, self._check_at = now + SLICE_S, now + SHORT_SLICE_S

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._until

    @property
    def may_end(self) -> bool:
        """Whether it is time to call `ends_for_others`."""
        return time.monotonic() > self._check_at

    def ends_for_others(self) -> bool:
        """End the slice if another run waits for a worker. Returns whether it ended."""
        now = time.monotonic()
        self._check_at = now + CHECK_WAITING_EVERY_S
        if not has_waiting_runs(self._run):
            return False
        self._until = now
        return True


def call_workers(waiting: Sequence[WaitingRun]) -> None:
    """Send a wake-up message for each of these runs, unless one is queued."""
    for run in waiting:
        wake(run.task, run.pk)


def serve_next_run(task: str) -> None:
    """A wake-up message of any run makes this worker serve the run whose turn it is among those of the message's queue."""
    waiting = waiting_runs()
    run = next_run(queue_of(task), waiting)
    if run is None:
        return
    call_workers(waiting)
    next(kind for kind in run_kinds() if kind.task == run.task).serve(run.pk)
    call_workers(waiting_runs())
