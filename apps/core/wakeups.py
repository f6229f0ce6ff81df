"""Waking messages: at most one waits for each piece of work, and none for work that has ended.

A clock sends a message again for whatever should be moving and is not. While all workers are busy that would be one more
message at every beat, for hours; each would have to be taken up later, only to find nothing to do. So what waits in the
queue is looked at first: it is as long as there are pieces of work.
"""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from redis import Redis, RedisError

from apps.core.celery import app

log = logging.getLogger(__name__)

LOCKED_S = 10


def wake(task: str, key: int) -> bool:
    """Send the task's message for this key, unless one waits; whether it was sent.

    While Valkey is away none is: the clock calls again, and the row says what is to be done.
    """
    queue = queue_of(task)
    try:
        with _redis() as redis, redis.lock(f"annotate:wake:{queue}", timeout=LOCKED_S, blocking_timeout=LOCKED_S):
            if any(True for _ in _waiting(redis, queue, task, key)):
                return False
            app.send_task(task, args=[key])
            return True
    except RedisError as error:
        log.warning("No worker could be called to %s of %s: %s", task, key, error)
        return False


def wake_on_commit(task: str, key: int) -> None:
    """Call `wake` when the transaction has committed."""
    transaction.on_commit(partial(wake, task, key))


def delay_on_commit(task: str, key: int) -> None:
    """Send the task, given by its dotted name, for this key when the transaction has committed.

    By name, since the modules of tasks import the services that enqueue them. Raises ImportError at the commit when
    there is no such task, and the broker's error when the broker is away.
    """
    transaction.on_commit(lambda: import_string(task).delay(key))


def drop(task: str, key: int) -> int:
    """Take the messages for this key out of the queue; how many there were. One in a worker's hands is not there."""
    queue = queue_of(task)
    try:
        with _redis() as redis:
            return sum(int(redis.lrem(queue, 0, raw)) for raw in list(_waiting(redis, queue, task, key)))
    except RedisError as error:
        log.warning("The messages to %s of %s could not be taken back: %s", task, key, error)
        return 0


def queue_of(task: str) -> str:
    return str(app.amqp.router.route({}, task)["queue"].name)


def _redis() -> Redis:
    return Redis.from_url(settings.REDIS_URL)


def _waiting(redis: Redis, queue: str, task: str, key: int) -> Iterator[bytes]:
    """Messages as they stand in the list that is Celery's queue."""
    for raw in redis.lrange(queue, 0, -1):
        assert isinstance(raw, bytes)
        message = json.loads(raw)
        if message["headers"].get("task") == task and _args_of(message) == [key]:
            yield raw


def _args_of(message: dict[str, Any]) -> list[Any]:
    args, *_ = json.loads(base64.b64decode(message["body"]))
    return list(args)
