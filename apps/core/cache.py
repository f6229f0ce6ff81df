"""A cache that tolerates outages: while Redis is down, nothing is found in it and nothing is stored."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from django.core.cache import BaseCache, cache
from redis import RedisError


class FaultTolerantCache:
    """Grades are shared by all workers through it; during an outage each worker computes its own."""

    def __init__(self, cache: BaseCache) -> None:
        self._cache = cache

    def get_many(self, keys: Iterable[str], /) -> dict[str, Any]:
        with suppress(RedisError):
            return dict(self._cache.get_many(list(keys)))
        return {}

    def set_many(self, mapping: dict[str, Any], /) -> object:
        with suppress(RedisError):
            return self._cache.set_many(mapping)
        return None


GRADE_CACHE = FaultTolerantCache(cache)
