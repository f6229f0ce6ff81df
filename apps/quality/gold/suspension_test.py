"""A sequential test of whether a labeler's accuracy on gold is below the pass mark. Pure.

An interval that is checked after every gold task is wrong sooner or later: at 95 % each time, many labelers who are just
good enough would be suspended at some time. The test is therefore a bet that may be evaluated at any time (Ville 1939; Robbins
1970): the likelihood of the marks, averaged over all accuracies below the pass mark, against the likelihood at the pass
mark. For labelers at or above the pass mark the ratio ever exceeds 1 / error with probability `error` at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import comb, fsum


@dataclass(frozen=True, slots=True)
class SuspensionResult:
    """`evidence` is the likelihood ratio of the marks: an accuracy below the pass mark against the pass mark itself."""

    suspend: bool
    evidence: float
    hits: int
    tasks: int


@dataclass(frozen=True, slots=True)
class SuspensionForecast:
    """For a labeler with a given accuracy on gold: the probability of a suspension within some number of gold tasks, and
    the mean number of gold tasks until then, of those who are suspended."""

    probability: float
    mean_tasks: float | None


@dataclass(frozen=True, slots=True)
class SuspensionTest:
    """No suspension before `minimum` gold tasks; only the latest `window` count. 0.75 is the pass mark of PRM800K.

    The error bound holds within a window: a labeler's older tasks count neither for nor against them.

    Raises ValueError, which names the invalid setting.
    """

    pass_mark: float = 0.75
    error: float = 0.05
    minimum: int = 5
    window: int = 100

    def __post_init__(self) -> None:
        for name, bounds, is_valid in (
            ("pass_mark", "between 0 and 1", 0 < self.pass_mark < 1),
            ("error", "between 0 and 1", 0 < self.error < 1),
            ("minimum", "at least 1", self.minimum >= 1),
            ("window", "at least minimum", self.window >= self.minimum),
        ):
            if not is_valid:
                raise ValueError(f"{name}: must be {bounds}")

    def evaluate(self, hits: Sequence[bool]) -> SuspensionResult:
        """The result for marks in the order in which they were made."""
        latest = hits[-self.window :]
        hit_count, tasks = sum(latest), len(latest)
        evidence = likelihood_ratio(hit_count, tasks - hit_count, self.pass_mark)
        return SuspensionResult(tasks >= self.minimum and evidence >= 1 / self.error, evidence, hit_count, tasks)

    def forecast(self, accuracy: float, tasks: int | None = None) -> SuspensionForecast:
        """Exact, by the distribution of hits among those who are not yet suspended; at most one window of tasks."""
        remaining = [1.0]  # remaining[h]: the probability of h hits without a suspension so far.
        suspended: list[float] = []
        for done in range(1, min(tasks or self.window, self.window) + 1):
            after = [0.0] * (done + 1)
            for hits, probability in enumerate(remaining):
                after[hits] += probability * (1 - accuracy)
                after[hits + 1] += probability * accuracy
            most_hits = _most_hits_suspended(done, self)
            suspended.append(fsum(after[: most_hits + 1]))
            remaining = [0.0] * (most_hits + 1) + after[most_hits + 1 :]
        total = fsum(suspended)
        weighted = fsum(number * probability for number, probability in enumerate(suspended, start=1))
        return SuspensionForecast(min(1.0, total), weighted / total if total > 0 else None)


def likelihood_ratio(hits: int, misses: int, pass_mark: float) -> float:
    """The mean over a from 0 to p of a^hits (1-a)^misses, over p^hits (1-p)^misses.

    The integral is a Beta distribution's, and for whole numbers a tail of the binomial one: with n = hits + misses + 1,
    P(Bin(n, p) > hits) / (n x C(n - 1, hits)).
    """
    tasks = hits + misses + 1
    tail = fsum(
        comb(tasks, k) / comb(tasks - 1, hits) * pass_mark ** (k - hits - 1) * (1 - pass_mark) ** (tasks - k - misses)
        for k in range(hits + 1, tasks + 1)
    )
    return tail / tasks


@cache
def _most_hits_suspended(tasks: int, test: SuspensionTest) -> int:
    """The most hits that suspend after this many tasks, -1 if none do: each hit lowers the evidence."""
    if tasks < test.minimum:
        return -1
    hits = -1
    while hits + 1 < tasks and likelihood_ratio(hits + 1, tasks - hits - 1, test.pass_mark) >= 1 / test.error:
        hits += 1
    return hits
