"""Whose turn it is: projects take turns at the workers, and within a project its runs.

A waiting message says only that there is work. Which run a worker takes up is decided when it is free: the one of the
project that has waited longest, whatever the order in which runs were started.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, F, Q
from django.utils import timezone
from redis import Redis

from apps.core.jobs import JobStatus
from apps.core.wake import drop, wake
from apps.estimation.models import EstimationRun, Shard

TASK = "apps.estimation.tasks.work_on_run"
_SERVED_S = 24 * 3600
# One script, so that two workers that are free at once do not take the same turn.
_TAKE = """
local best, oldest = nil, nil
for i = 1, #ARGV - 2, 2 do
  local project = tonumber(redis.call('HGET', KEYS[1], 'project:' .. ARGV[i + 1]) or 0)
  local run = tonumber(redis.call('HGET', KEYS[1], 'run:' .. ARGV[i]) or 0)
  if best == nil or project < oldest[1] or (project == oldest[1] and run < oldest[2]) then
    best, oldest = i, {project, run}
  end
end
if best == nil then return false end
redis.call('HSET', KEYS[1], 'project:' .. ARGV[best + 1], ARGV[#ARGV - 1], 'run:' .. ARGV[best], ARGV[#ARGV - 1])
redis.call('EXPIRE', KEYS[1], ARGV[#ARGV])
return ARGV[best]
"""


@dataclass(frozen=True, slots=True)
class WaitingRun:
    """A run with a place for one more worker."""

    pk: int
    project: int
    workers: int


def waiting_runs() -> list[WaitingRun]:
    """Live runs with solutions to claim, or with nobody at them; none has more workers than its share."""
    now = timezone.now()
    held = Q(finished_at=None)
    shards = Shard.objects.filter(held, run__status__in=[JobStatus.QUEUED, JobStatus.RUNNING]).values("run_id")
    counted = shards.annotate(
        workers=Count("holder", filter=Q(leased_until__gt=now), distinct=True),
        lapsed=Count("pk", filter=Q(leased_until__lte=now)),
    )
    shards_of = {row["run_id"]: (row["workers"], row["lapsed"]) for row in counted}
    live = EstimationRun.objects.filter(status__in=[JobStatus.QUEUED, JobStatus.RUNNING], origin="")
    found = []
    for pk, project, unclaimed in live.order_by("pk").values_list(
        "pk", "project_id", F("last_solution") - F("first_solution")
    ):
        workers, lapsed = shards_of.get(pk, (0, 0))
        if workers < settings.ESTIMATION_FANOUT and (unclaimed > 0 or lapsed or not workers):
            found.append(WaitingRun(pk, project, workers))
    return found


def take_turn() -> int | None:
    """The run that a free worker takes up now; None when none has a place. Raises redis.RedisError."""
    runs = waiting_runs()
    if not runs:
        return None
    arguments = [part for run in runs for part in (run.pk, run.project)]
    with Redis.from_url(settings.REDIS_URL) as redis:
        taken = redis.eval(_TAKE, 1, "annotate:estimation:served", *arguments, time.time(), _SERVED_S)
    return None if taken is None else int(taken)


def others_wait(run: EstimationRun) -> bool:
    """Whether another run has no worker at all: then the one that had its turn gives way."""
    return any(one.workers == 0 and one.pk != run.pk for one in waiting_runs())


def call_workers_to_all() -> None:
    """A message for each run with a place, where none waits: the one that takes it calls the next."""
    for run in waiting_runs():
        wake(TASK, run.pk)


def dismiss_workers(run_id: int) -> None:
    """Nobody needs to come for a run that is over or at rest."""
    drop(TASK, run_id)
