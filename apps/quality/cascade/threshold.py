"""The threshold tau of the cascade, chosen so that a promise holds. Pure.

Machine labels are taken where Monte Carlo and certified judges agree and the posterior is tau or above. The promise: with 95 %
confidence, at most the share alpha of them have a wrong first error. It is made from a sample that was drawn at random,
without replacement, from all solutions of the pool, and that people labeled blindly.

**One tau.** Of the M solutions at tau, n are in the sample, and x of these are wrong. Given n they are a random sample of
the M, so with K wrong ones in all x is hypergeometric, and the upper bound is

    K_up = the largest K with P(X <= x | M, K, n) > delta,  delta = 0.05.

The sampled ones have people's labels, so what machines label are the other M - n, of which (K_up - x) / (M - n) are wrong at
most. Clopper and Pearson's bound (1934), the 1 - delta quantile of Beta(x + 1, n - x), is the limit for a pool without end:
it bounds the risk of solutions like these. The tau passes if the largest of three bounds, K_up / M, (K_up - x) / (M - n) and
Clopper and Pearson's, is alpha at most. Nearly always it is the second one.

**Many taus.** The taus of a fixed grid are tested from the strict to the lax, each at the whole delta, until one fails, and
the last that passed is granted. Among the taus at which K > alpha M, one comes first in this order. A wrong grant needs
that one to pass, which has a probability of delta at most, however many follow (Bauer 1991; Maurer, Hothorn and Lehmacher
1995; Wiens 2003; for risk control Angelopoulos and others 2021, "Learn then test"). That proves the promise for all M
solutions at tau. For the M - n remaining ones the bound is exact at each tau; that it also holds over the grid is what tests
find, by enumeration of small pools and in simulated projects.

**Where to start.** A tau so strict that the sample has 59 solutions passes only without any error, and with a failure all ends.
The first tau tested is the strictest whose *expected* sample, M times the sampled share of the pool, is at least

    max(1.1 n_0, min(n_3, half the largest expected sample)),

where n_e is the smallest sample that passes with e errors (59 and 153 at 5 %); if none is, the one with the largest. It depends
on the posteriors of the pool, but on no label, nor on which solutions were drawn, so the order is fixed beforehand. In
simulated projects machines label a third more than with a start at 59 (docs/quality.md).

The promise is void if the posterior, the assumed rates or the judges were chosen with the labels of this sample, or if the
sample is enlarged and tested again: a second test needs a sample of its own, or half of delta for each. To certify the
planned judges by it is no choice: it can only refuse.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np

from apps.quality.statistics.exact_bounds import most_in_pool, smallest_sample, upper_bound
from apps.quality.statistics.ratings import Bools, Floats

TAUS = (0.999, 0.998, 0.995, 0.99, 0.98, 0.97, 0.96, 0.95, 0.93, 0.9, 0.87, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5)
MARGIN = 1.1
FORGIVEN = 3
ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Promise:
    """At most `alpha` of the machine-labeled solutions are wrong, with the confidence 1 - `delta`.

    `taus` are tested in this order. Raises ValueError, which names the invalid setting.
    """

    alpha: float = 0.05
    delta: float = 0.05
    taus: tuple[float, ...] = TAUS

    def __post_init__(self) -> None:
        for name, value in (("alpha", self.alpha), ("delta", self.delta)):
            if not 0 < value < 1:
                raise ValueError(f"{name}: must be between 0 and 1")
        falls = all(first > second for first, second in zip(self.taus, self.taus[1:], strict=False))
        if not self.taus or not falls or not 0 <= self.taus[-1] <= self.taus[0] <= 1:
            raise ValueError("taus: must fall, each between 0 and 1")


@dataclass(frozen=True, slots=True)
class UnitCosts:
    """Of one solution, in one currency: of its rollouts and judges, and of its labels by people."""

    machines: float = 0.0
    people: float = 0.0


@dataclass(frozen=True, slots=True)
class TauRow:
    """What one tau would mean.

    `eligible` solutions of the pool have an agreed label with a posterior of tau or above; `sampled` of them are in the
    blind sample, `wrong` of these have a wrong first error by machines. Machines label the others, `machine_share` of the
    pool; `people_share` is the rest, the sample included. `bound` is the largest of the module's three, and `passes` if it is
    alpha at most, which counts only if the tau is tested. `machine_cost` is that of the whole pool, because rollouts and
    judges come first for each solution; `people_cost` is that of the people's share.
    """

    tau: float
    eligible: int
    machine_share: float
    people_share: float
    sampled: int
    wrong: int
    bound: float
    clopper_pearson: float
    is_tested: bool
    passes: bool
    machine_cost: float
    people_cost: float


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """`granted` is None if the sample supports no tau: everything goes to people. `reason` is a sentence for the page.

    `more` is how many more blind solutions a sample needs at least, if none of the further ones is wrong; None if a tau was
    granted, or if the pool is too small for any sample.
    """

    rows: tuple[TauRow, ...]
    granted: TauRow | None
    reason: str
    more: int | None


def choose_tau(
    posteriors: Floats,
    is_sampled: Bools,
    is_wrong: Bools,
    promise: Promise | None = None,
    costs: UnitCosts | None = None,
) -> ThresholdChoice:
    """The most permissive tau that keeps the promise, from one entry per solution of the pool.

    `posteriors` are NaN where machines do not agree. `is_wrong` counts where `is_sampled`: people accept another first
    error than the machines name. A sampled solution on which people find no first error counts as wrong, because
    leaving it out would be a choice by its label. Raises ValueError, which names the invalid array.
    """
    promise, costs = promise or Promise(), costs or UnitCosts()
    if not len(posteriors) == len(is_sampled) == len(is_wrong):
        raise ValueError("posteriors, is_sampled and is_wrong must be of one length")
    known = posteriors[~np.isnan(posteriors)]
    if len(known) and not 0 <= known.min() <= known.max() <= 1:
        raise ValueError("posteriors: must be between 0 and 1, or NaN")
    rows = tuple(_rows(posteriors, is_sampled, is_wrong, promise, costs))
    granted = next((row for row in reversed(rows) if row.is_tested and row.passes), None)
    if granted:
        return ThresholdChoice(rows, granted, _reason_for(granted, promise), None)
    reason, more = _reason_against(rows, len(posteriors), int(is_sampled.sum()), promise)
    return ThresholdChoice(rows, None, reason, more)


def risk_bound(wrong: int, sampled: int, eligible: int, delta: float) -> float:
    """The largest of the three bounds: of all eligible solutions, of the remaining ones, and Clopper and Pearson's."""
    if not eligible:
        return 1.0
    most = most_in_pool(wrong, sampled, eligible, delta)
    remaining = (most - wrong) / (eligible - sampled) if eligible > sampled else 0.0
    return max(most / eligible, remaining, upper_bound(wrong, sampled, delta))


@lru_cache(maxsize=256)
def sample_forgiving(errors: int, alpha: float, delta: float) -> int:
    """The smallest sample that passes Clopper and Pearson's bound with so many errors: 59 without any, at 5 %."""
    sampled = errors + 1
    while upper_bound(errors, sampled, delta) > alpha + ROUNDING:
        sampled *= 2
    size = smallest_sample(lambda size: upper_bound(errors, size, delta) <= alpha + ROUNDING, errors + 1, sampled)
    return size or sampled


def first_tested(expected: Sequence[float], promise: Promise) -> int:
    """The number of the first tau to test, by the expected sample at each tau, from strict to lax."""
    none, few = (sample_forgiving(errors, promise.alpha, promise.delta) for errors in (0, FORGIVEN))
    largest = max(expected)
    target = min(largest, max(MARGIN * none, min(few, largest / 2)))
    return next(number for number, size in enumerate(expected) if size >= target - ROUNDING)


def _rows(
    posteriors: Floats, is_sampled: Bools, is_wrong: Bools, promise: Promise, costs: UnitCosts
) -> Iterator[TauRow]:
    pool = len(posteriors)
    masks = [posteriors >= tau for tau in promise.taus]  # NaN is never above.
    sampled_share = float(is_sampled.mean()) if pool else 0.0
    start = first_tested([float(mask.sum()) * sampled_share for mask in masks], promise)
    goes_on = True
    for number, (tau, mask) in enumerate(zip(promise.taus, masks, strict=True)):
        eligible, sampled = int(mask.sum()), int((mask & is_sampled).sum())
        wrong = int((mask & is_sampled & is_wrong).sum())
        bound, machines = risk_bound(wrong, sampled, eligible, promise.delta), eligible - sampled
        passes = machines > 0 and bound <= promise.alpha + ROUNDING
        is_tested = goes_on and number >= start
        goes_on = goes_on and (passes or not is_tested)
        yield TauRow(
            tau=tau,
            eligible=eligible,
            machine_share=machines / pool if pool else 0.0,
            people_share=1 - machines / pool if pool else 0.0,
            sampled=sampled,
            wrong=wrong,
            bound=bound,
            clopper_pearson=upper_bound(wrong, sampled, promise.delta),
            is_tested=is_tested,
            passes=passes,
            machine_cost=pool * costs.machines,
            people_cost=(pool - machines) * costs.people,
        )


def _reason_for(row: TauRow, promise: Promise) -> str:
    return (
        f"At tau {row.tau:g}, {row.wrong} of {row.sampled} sampled solutions have a wrong first error: with "
        f"{100 * (1 - promise.delta):g} % confidence at most {100 * row.bound:.1f} % of those that machines label do."
    )


def _reason_against(rows: Sequence[TauRow], pool: int, sample: int, promise: Promise) -> tuple[str, int | None]:
    """Why the first tau tested failed, and how many more solutions the sample needs at least."""
    row = next(row for row in rows if row.is_tested)
    end = "Everything goes to people."
    if not row.eligible:
        return f"Machines agree on no solution with a posterior of {rows[-1].tau:g} or above. {end}", None
    wanted = smallest_sample(
        lambda size: risk_bound(row.wrong, size, row.eligible, promise.delta) <= promise.alpha + ROUNDING,
        row.sampled,
        row.eligible - 1,
    )
    what = (
        f"At tau {row.tau:g}, {row.wrong} of {row.sampled} sampled solutions have a wrong first error, so that "
        f"{100 * row.bound:.1f} % of those that machines label may have one, and {100 * promise.alpha:g} % is allowed."
    )
    if wanted is None:
        return f"{what} The {row.eligible} solutions at this tau are too few for any sample. {end}", None
    more = max(1, min(pool - sample, ceil((wanted - row.sampled) * pool / row.eligible)))
    return f"{what} A sample needs at least {more} more solutions, without a further error. {end}", more
