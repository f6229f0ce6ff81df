"""Wake-up messages for workers: at most one is queued for each job, and none for a job that has ended.

The beat schedule sends a message again for every job that makes no progress. While all workers are busy that would add
a message at each beat, for hours, and each would find nothing to do. Therefore the queue is searched before a message is
sent.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from functools import partial

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from redis import Redis, RedisError

from apps.core.jobs.celery import app

log = logging.getLogger(__name__)

LOCK_TIMEOUT_S = 10


def wake(task: str, key: int) -> bool:
    """Send the task's message for this key unless one is queued. Returns whether it was sent.

    During an outage of the broker none is sent: the beat schedule tries again, and the job's row holds its status.
    """
    queue = queue_of(task)
    try:
        with (
            _redis() as redis,
            redis.lock(f"annotate:wake:{queue}", timeout=LOCK_TIMEOUT_S, blocking_timeout=LOCK_TIMEOUT_S),
        ):
            if any(True for _ in _waiting(redis, queue, task, key)):
                return False
            app.send_task(task, args=[key])
            return True
    except RedisError as error:
        log.warning("No wake-up message for %s of %s could be sent: %s", task, key, error)
        return False


def wake_on_commit(task: str, key: int) -> None:
    """Call `wake` after the transaction commits."""
    transaction.on_commit(partial(wake, task, key))


def delay_on_commit(task: str, key: int) -> None:
    """Send the task, by its dotted name, for this key after the transaction commits.

    By name, because task modules import the services that enqueue them. At the commit, raises ImportError if there is no
    such task, and the broker's error during an outage.
    """
    transaction.on_commit(lambda: import_string(task).delay(key))


def drop(task: str, key: int) -> int:
    """Remove the queued messages for this key. Returns their number. A message that a worker has received is not queued."""
    queue = queue_of(task)
    try:
        with _redis() as redis:
            return sum(int(redis.lrem(queue, 0, raw)) for raw in list(_waiting(redis, queue, task, key)))
    except RedisError as error:
        log.warning("The wake-up messages for %s of %s could not be removed: %s", task, key, error)
        return 0


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL)


def _waiting(redis: Redis, queue: str, task: str, key: int) -> Iterator[bytes]:
    """The raw messages in the Redis list that is Celery's queue."""
    for raw in redis.lrange(queue, 0, -1):
        assert isinstance(raw, bytes)
        message = json.loads(raw)
        args, *_ = json.loads(base64.b64decode(message["body"]))
        if message["headers"].get("task") == task and list(args) == [key]:
            yield raw
