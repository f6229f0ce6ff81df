"""Grades answers in bulk: inline where that is safe and fast, otherwise in child processes with hard limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from apps.verifiers.base import TRANSIENT_REASONS, Grade, GradeOutcome
from apps.verifiers.pool.cache import AnswerPair, Cache, RecentOutcomes, load_outcomes, store_outcomes
from apps.verifiers.pool.process import Grader
from apps.verifiers.registry import verifier_named

GIB = 2**30
_recent = RecentOutcomes(size=50_000)


@dataclass(frozen=True, slots=True)
class GradedAnswer:
    """A grade, the reason where it is `unparsed`, and the verifier that determined it."""

    grade: Grade
    reason: str
    verifier: str
    version: str

    @property
    def is_correct(self) -> bool | None:
        """None where the grade is `unparsed`."""
        return None if self.grade is Grade.UNPARSED else self.grade is Grade.MATCH


class PoolClosed(RuntimeError):
    """The pool was closed before this pair was graded."""

    def __init__(self) -> None:
        super().__init__("the grading pool is closed")


class GradingPool:
    """Up to `workers` child processes, started when the first pair needs one, killed when the pool is closed.

    `limit_s` is the wall time that one pair may take, start-up not counted; after that its child is killed and the
    pair is `unparsed` with the reason "time limit". `memory_bytes` bounds the address space of each child. Threads
    may share a pool, and it works in daemonic processes.
    """

    def __init__(self, workers: int = 2, limit_s: float = 5.0, *, memory_bytes: int = GIB) -> None:
        self._graders = [Grader(limit_s=limit_s, memory_bytes=memory_bytes) for _ in range(workers)]
        self._idle: SimpleQueue[Grader] = SimpleQueue()
        for grader in self._graders:
            self._idle.put(grader)
        # Within one pool a pair that ran into a limit is not tried again; another pool may succeed.
        self._failed = RecentOutcomes(size=10_000)
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the children once their current pairs are graded. The pool cannot be used again."""
        self._closed = True
        for grader in [self._idle.get() for _ in self._graders]:
            grader.close()
            self._idle.put(grader)

    def grade_inline(self, verifier: str, reference: str | None, answer: str | None) -> GradedAnswer | None:
        """The grade where it is known or `quick` determines it; None where `grade_many` needs a child or the cache."""
        pair = _pair(verifier, reference, answer)
        outcome = self._known_outcome(pair)
        return GradedAnswer(*outcome, pair.verifier, pair.version) if outcome else None

    def grade_many(
        self, pairs: Iterable[tuple[str, str | None, str | None]], cache: Cache | None = None
    ) -> list[GradedAnswer]:
        """A grade for each (verifier, reference, answer), in their order; equal ones are graded once.

        Raises UnknownVerifier and PoolClosed. No text raises: what cannot be graded is `unparsed`.
        """
        requested = [_pair(*pair) for pair in pairs]
        outcomes: dict[AnswerPair, GradeOutcome] = {}
        waiting: list[AnswerPair] = []
        for pair in dict.fromkeys(requested):
            outcome = self._known_outcome(pair)
            if outcome:
                outcomes[pair] = outcome
            else:
                waiting.append(pair)
        outcomes |= self._grade_uncached(waiting, cache)
        return [GradedAnswer(*outcomes[pair], pair.verifier, pair.version) for pair in requested]

    def _known_outcome(self, pair: AnswerPair) -> GradeOutcome | None:
        outcome = verifier_named(pair.verifier).grade_inline(pair.reference, pair.answer)
        return outcome or _recent.get(pair) or self._failed.get(pair)

    def _grade_uncached(self, pairs: Sequence[AnswerPair], cache: Cache | None) -> dict[AnswerPair, GradeOutcome]:
        cached = load_outcomes(cache, pairs) if cache else {}
        missing = [pair for pair in pairs if pair not in cached]
        fresh: dict[AnswerPair, GradeOutcome] = {}
        if missing:
            executor = ThreadPoolExecutor(min(len(self._graders), len(missing)))
            try:
                fresh = dict(zip(missing, executor.map(self._grade, missing), strict=True))
            finally:
                executor.shutdown(cancel_futures=True)
        failed = {pair: outcome for pair, outcome in fresh.items() if outcome.reason in TRANSIENT_REASONS}
        final = {pair: outcome for pair, outcome in fresh.items() if pair not in failed}
        self._failed.put(failed)
        _recent.put(cached | final)
        if cache:
            store_outcomes(cache, final)
        return cached | fresh

    def _grade(self, pair: AnswerPair) -> GradeOutcome:
        grader = self._idle.get()
        try:
            if self._closed:
                raise PoolClosed
            return grader.grade(pair.verifier, pair.reference, pair.answer)
        finally:
            self._idle.put(grader)


def _pair(verifier: str, reference: str | None, answer: str | None) -> AnswerPair:
    return AnswerPair(verifier, verifier_named(verifier).version, _encodable(reference), _encodable(answer))


def _encodable(text: str | None) -> str:
    """With lone surrogates, which JSON allows and UTF-8 does not, as question marks."""
    return (text or "").encode("utf-8", "replace").decode()
