"""Grading answers in bulk: inline where that is safe and fast, else in child processes with hard limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from apps.verifiers.base import PASSING_REASONS, Grade, Outcome
from apps.verifiers.pool.cache import Cache, Pair, RecentOutcomes, recall, remember
from apps.verifiers.pool.process import Grader
from apps.verifiers.registry import verifier_named

GIB = 2**30
_recent = RecentOutcomes(size=50_000)


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """Whether an answer is right, by whom, and why not if that is unknown (`unparsed`)."""

    grade: Grade
    reason: str
    verifier: str
    version: str

    @property
    def is_correct(self) -> bool | None:
        """None where nobody knows."""
        return None if self.grade is Grade.UNPARSED else self.grade is Grade.MATCH


class PoolClosed(RuntimeError):
    """The pool was closed before this pair was graded."""

    def __init__(self) -> None:
        super().__init__("the grading pool is closed")


class GradingPool:
    """Up to `workers` children, started when the first pair needs one, killed when the pool is closed.

    `limit_s` is the wall time that one pair may take, start-up not counted; then its child is killed and the
    pair is `unparsed` for "time limit". `memory_bytes` bounds the address space of each child. Threads may share
    a pool, and it works in daemonic processes.
    """

    def __init__(self, workers: int = 2, limit_s: float = 5.0, *, memory_bytes: int = GIB) -> None:
        self._graders = [Grader(limit_s=limit_s, memory_bytes=memory_bytes) for _ in range(workers)]
        self._idle: SimpleQueue[Grader] = SimpleQueue()
        for grader in self._graders:
            self._idle.put(grader)
        # Within one pool a pair that ran into a limit is not tried again; the next pool may have more luck.
        self._failed = RecentOutcomes(size=10_000)
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kills the children once their present pairs are done. The pool cannot be used again."""
        self._closed = True
        for grader in [self._idle.get() for _ in self._graders]:
            grader.close()
            self._idle.put(grader)

    def at_once(self, verifier: str, reference: str | None, answer: str | None) -> GradedAnswer | None:
        """The grade where it is known or can be told inline; None where `grade_many` has to ask a child or the cache."""
        pair = _pair(verifier, reference, answer)
        outcome = self._told_at_once(pair)
        return GradedAnswer(*outcome, pair.verifier, pair.version) if outcome else None

    def grade_many(
        self, pairs: Iterable[tuple[str, str | None, str | None]], cache: Cache | None = None
    ) -> list[GradedAnswer]:
        """A grade for each (verifier, reference, answer), in their order; equal ones are graded once.

        Raises UnknownVerifier. Nothing in the texts raises: what cannot be graded is `unparsed`.
        """
        asked = [_pair(*pair) for pair in pairs]
        outcomes: dict[Pair, Outcome] = {}
        waiting: list[Pair] = []
        for pair in dict.fromkeys(asked):
            outcome = self._told_at_once(pair)
            if outcome:
                outcomes[pair] = outcome
            else:
                waiting.append(pair)
        outcomes |= self._settled(waiting, cache)
        return [GradedAnswer(*outcomes[pair], pair.verifier, pair.version) for pair in asked]

    def _told_at_once(self, pair: Pair) -> Outcome | None:
        outcome = verifier_named(pair.verifier).at_once(pair.reference, pair.answer)
        return outcome or _recent.get(pair) or self._failed.get(pair)

    def _settled(self, pairs: Sequence[Pair], cache: Cache | None) -> dict[Pair, Outcome]:
        known = recall(cache, pairs) if cache else {}
        fresh = self._graded([pair for pair in pairs if pair not in known])
        failed = {pair: outcome for pair, outcome in fresh.items() if outcome.reason in PASSING_REASONS}
        sure = {pair: outcome for pair, outcome in fresh.items() if pair not in failed}
        self._failed.put(failed)
        _recent.put(known | sure)
        if cache:
            remember(cache, sure)
        return known | fresh

    def _graded(self, pairs: Sequence[Pair]) -> dict[Pair, Outcome]:
        if not pairs:
            return {}
        executor = ThreadPoolExecutor(min(len(self._graders), len(pairs)))
        try:
            return dict(zip(pairs, executor.map(self._grade, pairs), strict=True))
        finally:
            executor.shutdown(cancel_futures=True)

    def _grade(self, pair: Pair) -> Outcome:
        grader = self._idle.get()
        try:
            if self._closed:
                raise PoolClosed
            return grader.settle(pair.verifier, pair.reference, pair.answer)
        finally:
            self._idle.put(grader)


def _pair(verifier: str, reference: str | None, answer: str | None) -> Pair:
    return Pair(verifier, verifier_named(verifier).version, _encodable(reference), _encodable(answer))


def _encodable(text: str | None) -> str:
    """Lone surrogates, which JSON may hold and UTF-8 may not, become question marks."""
    return (text or "").encode("utf-8", "replace").decode()
