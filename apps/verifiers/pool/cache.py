"""Grades that were given before: rollouts repeat their answers, and a formula costs a thousand times a look-up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any, NamedTuple, Protocol

from cachetools import LRUCache

from apps.verifiers.base import Grade, Outcome


class Pair(NamedTuple):
    """What a verdict is a function of."""

    verifier: str
    version: str
    reference: str
    answer: str

    def cache_key(self) -> str:
        """Short and printable, for any cache server."""
        digest = hashlib.sha256()
        for part in self:
            data = part.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8) + data)
        return f"grade:{digest.hexdigest()}"


class Cache(Protocol):
    """What Django's caches offer. Entries never go stale (the key holds the version): set a long TIMEOUT."""

    def get_many(self, keys: Iterable[str], /) -> dict[str, Any]: ...

    def set_many(self, mapping: dict[str, Any], /) -> object: ...


class RecentOutcomes:
    """The outcomes asked for last, in this process. Safe for threads, which the library's cache alone is not."""

    def __init__(self, size: int) -> None:
        self._outcomes: LRUCache[Pair, Outcome] = LRUCache(size)
        self._lock = Lock()

    def get(self, pair: Pair) -> Outcome | None:
        with self._lock:
            return self._outcomes.get(pair)

    def put(self, outcomes: Mapping[Pair, Outcome]) -> None:
        with self._lock:
            self._outcomes.update(outcomes)


def recall(cache: Cache, pairs: Iterable[Pair]) -> dict[Pair, Outcome]:
    """The outcomes that `cache` holds."""
    keys = {pair.cache_key(): pair for pair in pairs}
    found = cache.get_many(list(keys)) if keys else {}
    return {keys[key]: Outcome(Grade(grade), reason) for key, (grade, reason) in found.items()}


def remember(cache: Cache, outcomes: Mapping[Pair, Outcome]) -> None:
    """As plain strings, so that any serializer and any later release can read them."""
    if outcomes:
        cache.set_many({pair.cache_key(): (outcome.grade.value, outcome.reason) for pair, outcome in outcomes.items()})
