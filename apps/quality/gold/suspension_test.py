"""When gold says with enough evidence that a labeler is below the pass mark: a sequential test. Pure.

An interval that is looked at after every gold task is wrong sooner or later: at 95 % each look, many who are just good
enough would be suspended one day. So the evidence is a bet that may be settled at any time (Ville 1939; Robbins 1970):
the marks against the best that a labeler at the pass mark can promise, averaged over all accuracies below it. Of labelers
at or above the pass mark it ever exceeds 1 / error for at most the share `error`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from math import comb, fsum


@dataclass(frozen=True, slots=True)
class SuspensionTest:
    """`pass_mark` of PRM800K; not before `minimum` gold tasks; `window`: only so many of the latest count.

    The promise holds within a window: what a labeler did long ago neither saves nor ruins them.
    """

    pass_mark: float = 0.75
    error: float = 0.05
    minimum: int = 5
    window: int = 100

    def __post_init__(self) -> None:
        for name, good in (
            ("pass_mark", 0 < self.pass_mark < 1),
            ("error", 0 < self.error < 1),
            ("minimum", self.minimum >= 1),
            ("window", self.window >= self.minimum),
        ):
            if not good:
                raise ValueError(f"{name}: out of bounds")


@dataclass(frozen=True, slots=True)
class Finding:
    """`evidence` is how many times likelier the marks are below the pass mark than at it."""

    suspend: bool
    evidence: float
    hits: int
    tasks: int


def find(hits: Sequence[bool], rule: SuspensionTest) -> Finding:
    """Of marks in the order in which they came."""
    latest = hits[-rule.window :]
    right, tasks = sum(latest), len(latest)
    strength = evidence(right, tasks - right, rule.pass_mark)
    return Finding(tasks >= rule.minimum and strength >= 1 / rule.error, strength, right, tasks)


def evidence(hits: int, misses: int, pass_mark: float) -> float:
    """The mean over a from 0 to p of a^hits (1-a)^misses, over p^hits (1-p)^misses.

    The integral is a Beta distribution's, and by whole numbers a tail of the binomial one: with n = hits + misses + 1,
    P(Bin(n, p) > hits) / (n x C(n - 1, hits)).
    """
    tasks = hits + misses + 1
    tail = fsum(
        comb(tasks, k) / comb(tasks - 1, hits) * pass_mark ** (k - hits - 1) * (1 - pass_mark) ** (tasks - k - misses)
        for k in range(hits + 1, tasks + 1)
    )
    return tail / tasks


@dataclass(frozen=True, slots=True)
class Forecast:
    """Of a labeler with a given accuracy on gold: the chance to be suspended within so many gold tasks, and the mean
    number of gold tasks until then, of those who are."""

    chance: float
    mean_tasks: float | None


def forecast(accuracy: float, rule: SuspensionTest, tasks: int | None = None) -> Forecast:
    """Exact, by the distribution of hits among those who are still there. At most one window."""
    alive = [1.0]  # alive[h]: still there, with h hits.
    gone: list[float] = []
    for done in range(1, min(tasks or rule.window, rule.window) + 1):
        after = [0.0] * (done + 1)
        for hits, chance in enumerate(alive):
            after[hits] += chance * (1 - accuracy)
            after[hits + 1] += chance * accuracy
        edge = _edge(done, rule)
        gone.append(fsum(after[: edge + 1]))
        alive = [0.0] * (edge + 1) + after[edge + 1 :]
    total = fsum(gone)
    mean = fsum(number * chance for number, chance in enumerate(gone, start=1)) / total if total > 0 else None
    return Forecast(min(1.0, total), mean)


@cache
def _edge(tasks: int, rule: SuspensionTest) -> int:
    """The most hits that suspend after so many tasks, -1 where none do: evidence falls with every hit."""
    if tasks < rule.minimum:
        return -1
    edge = -1
    while edge + 1 < tasks and evidence(edge + 1, tasks - edge - 1, rule.pass_mark) >= 1 / rule.error:
        edge += 1
    return edge
