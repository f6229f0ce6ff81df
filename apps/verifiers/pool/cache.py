"""Earlier grades: rollouts repeat their answers, and comparing a formula costs a thousand look-ups."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Any, NamedTuple, Protocol

from cachetools import LRUCache

from apps.verifiers.base import Grade, GradeOutcome


class AnswerPair(NamedTuple):
    """Everything that determines a grade."""

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
    """The part of Django's cache API used here. Entries never go stale (the key holds the version): set a long TIMEOUT."""

    def get_many(self, keys: Iterable[str], /) -> dict[str, Any]: ...

    def set_many(self, mapping: dict[str, Any], /) -> object: ...


class RecentOutcomes:
    """The most recently used outcomes of this process. Thread-safe, unlike the LRUCache alone."""

    def __init__(self, size: int) -> None:
        self._outcomes: LRUCache[AnswerPair, GradeOutcome] = LRUCache(size)
        self._lock = Lock()

    def get(self, pair: AnswerPair) -> GradeOutcome | None:
        with self._lock:
            return self._outcomes.get(pair)

    def put(self, outcomes: Mapping[AnswerPair, GradeOutcome]) -> None:
        with self._lock:
            self._outcomes.update(outcomes)


def load_outcomes(cache: Cache, pairs: Iterable[AnswerPair]) -> dict[AnswerPair, GradeOutcome]:
    """The outcomes of these pairs that `cache` holds."""
    keys = {pair.cache_key(): pair for pair in pairs}
    entries = cache.get_many(list(keys)) if keys else {}
    return {keys[key]: GradeOutcome(Grade(grade), reason) for key, (grade, reason) in entries.items()}


def store_outcomes(cache: Cache, outcomes: Mapping[AnswerPair, GradeOutcome]) -> None:
    """Store outcomes as plain strings, which any serializer and any later release can read."""
    if outcomes:
        cache.set_many({pair.cache_key(): (outcome.grade.value, outcome.reason) for pair, outcome in outcomes.items()})
