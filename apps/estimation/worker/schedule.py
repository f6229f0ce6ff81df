"""Whose turn it is: projects take turns at the workers, and within a project its runs, of estimation and of sampling.

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

from apps.core.db.locks import locked_keys
from apps.core.jobs import JobStatus
from apps.core.wakeups import drop, wake
from apps.estimation.models import EstimationRun, SamplingRun, Shard

TASK = "apps.estimation.tasks.work_on_run"
SAMPLING_TASK = "apps.estimation.tasks.work_on_sampling"
# The purpose of the lock that a worker holds on its sampling run.
SAMPLING = "sampling"
# A worker works so long at one run before it lets others have their turn.
SLICE_S = 600.0
# While other runs wait for a worker, its turn is as short as this; what is in flight comes in first.
TURN_S = 30.0
LOOK_ROUND_EVERY_S = 5.0
# What is in flight when a run is paused or gives way may take so long to come in; then it is given up.
GRACE_S = 60.0
LIVE = (JobStatus.QUEUED, JobStatus.RUNNING)
_SERVED_S = 24 * 3600
# One script, so that two workers that are free at once do not take the same turn.
_TAKE = """
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
    """A run with a place for one more worker."""

    pk: int
    project: int
    workers: int
    task: str = TASK

    @property
    def name(self) -> str:
        """The same number may be that of an estimation run and of a sampling run."""
        return f"{self.task}:{self.pk}"


def waiting_runs() -> list[WaitingRun]:
    """Live runs with something to claim, or with nobody at them; none has more workers than its share."""
    return [*_waiting_estimations(), *_waiting_samplings()]


def _waiting_samplings() -> list[WaitingRun]:
    """One worker has a sampling run to itself."""
    live = list(SamplingRun.objects.filter(status__in=LIVE).order_by("pk").values_list("pk", "project_id"))
    busy = locked_keys(SAMPLING) if live else set()
    return [WaitingRun(pk, project, 0, SAMPLING_TASK) for pk, project in live if pk not in busy]


def _waiting_estimations() -> list[WaitingRun]:
    now = timezone.now()
    held = Q(finished_at=None)
    shards = Shard.objects.filter(held, run__status__in=LIVE).values("run_id")
    counted = shards.annotate(
        workers=Count("holder", filter=Q(leased_until__gt=now), distinct=True),
        lapsed=Count("pk", filter=Q(leased_until__lte=now)),
    )
    shards_of = {row["run_id"]: (row["workers"], row["lapsed"]) for row in counted}
    live = EstimationRun.objects.filter(status__in=LIVE, origin="")
    found = []
    for pk, project, unclaimed in live.order_by("pk").values_list(
        "pk", "project_id", F("last_solution") - F("first_solution")
    ):
        workers, lapsed = shards_of.get(pk, (0, 0))
        if workers < settings.ESTIMATION_FANOUT and (unclaimed > 0 or lapsed or not workers):
            found.append(WaitingRun(pk, project, workers))
    return found


def take_slice() -> WaitingRun | None:
    """The run that a free worker takes up now; None when none has a place. Raises redis.RedisError."""
    runs = waiting_runs()
    if not runs:
        return None
    arguments = [part for run in runs for part in (run.name, run.project)]
    with Redis.from_url(settings.REDIS_URL) as redis:
        taken = redis.eval(_TAKE, 1, "annotate:estimation:served", *arguments, time.time(), _SERVED_S)
    # Lua counts from one, and each run has two arguments.
    return None if taken is None else runs[(int(taken) - 1) // 2]


def others_wait(run: EstimationRun | SamplingRun) -> bool:
    """Whether another run has no worker at all: then the one that had its turn gives way."""
    own = (run.pk, SAMPLING_TASK if isinstance(run, SamplingRun) else TASK)
    return any(one.workers == 0 and (one.pk, one.task) != own for one in waiting_runs())


class WorkSlice:
    """A worker's time at one run: a slice of it, and less when other runs wait."""

    def __init__(self, run: EstimationRun | SamplingRun) -> None:
        self._run = run
        now = time.monotonic()
        self._until, self._look_at = now + SLICE_S, now + TURN_S

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self._until

    @property
    def may_end(self) -> bool:
        """Whether it is time to look who waits; asked again after a while when nobody does."""
        return time.monotonic() > self._look_at

    def gives_way(self) -> bool:
        """Ends the turn where another run waits for a worker."""
        now = time.monotonic()
        self._look_at = now + LOOK_ROUND_EVERY_S
        if not others_wait(self._run):
            return False
        self._until = now
        return True


def call_workers_to_all() -> None:
    """A message for each run with a place, where none waits: the one that takes it calls the next."""
    for run in waiting_runs():
        wake(run.task, run.pk)


def dismiss_workers(run_id: int, task: str = TASK) -> None:
    """Nobody needs to come for a run that is over or at rest."""
    drop(task, run_id)
