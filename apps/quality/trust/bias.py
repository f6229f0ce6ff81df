"""What moves a judge's verdict that should not: the order of the sides, length, and its own hand. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from apps.core.statistics import Proportion
from apps.corpus.labels import NO_ERROR, UNKNOWN
from apps.quality.statistics.bootstrap import RESAMPLES, Measured, measure, measure_share
from apps.quality.statistics.ratings import Bools, Floats, Ints
from apps.quality.trust.judged_steps import JudgedSolutions

VARIES = 1e-12  # A smaller variance is that of a constant, but for rounding.
LEFT, TIE, RIGHT = -1, 0, 1  # Of the comparison's own sides, in whichever order they are shown; UNKNOWN is unreadable.


@dataclass(frozen=True, slots=True)
class PositionBias:
    """`flips` is the share of comparisons whose verdict changes with the order of the sides.

    `first_shown` is, of these, the share that leans to the side shown first: 1/2 is no preference. Both have Wilson's
    interval.
    """

    flips: Measured
    first_shown: Measured


@dataclass(frozen=True, slots=True)
class PairLengthBias:
    """Of comparisons of unequal lengths with the same side preferred in both orders: the share that prefers the longer one.

    1/2 is no preference, unless longer sides are better: `people` is the share of people's choices for the longer side, over
    the comparisons among these on which they chose a side.
    """

    longer: Measured
    people: Measured


@dataclass(frozen=True, slots=True)
class SolutionLengthBias:
    """The correlation of "names an error" with a solution's length, over readable verdicts.

    `overall` has no regard to truth: longer solutions may have more errors. `without_error` is over solutions without an
    error, where every error named is wrong. `given_truth` is the partial correlation given whether there is one.
    """

    overall: Measured
    without_error: Measured
    given_truth: Measured


@dataclass(frozen=True, slots=True)
class SelfPreference:
    """False acceptances: erroneous solutions in which the judge finds no error, of its own model and of others.

    `difference` is the own rate minus that of others, with Newcombe's interval.
    """

    own: Proportion
    others: Proportion
    difference: Measured


def position_bias(left_first: Ints, right_first: Ints) -> PositionBias:
    """From the verdicts (LEFT, TIE or RIGHT) with the left side shown first, and with the right side shown first.

    Comparisons with an unreadable verdict are left out. A side in one order and a tie in the other is a flip, too.
    """
    readable = (left_first != UNKNOWN) & (right_first != UNKNOWN)
    left_first, right_first = left_first[readable], right_first[readable]
    # A flip always leans to one end: LEFT is the first in one order, and the last in the other.
    lean = right_first - left_first
    return PositionBias(_share_of(lean != 0), _share_of(lean[lean != 0] > 0))


def pair_length_bias(
    left_first: Ints, right_first: Ints, left_lengths: Floats, right_lengths: Floats, people: Ints
) -> PairLengthBias:
    """Lengths in any one unit; `people` holds their choices, UNKNOWN where there is none."""
    longer = np.sign(right_lengths - left_lengths).astype(np.int64)
    counted = (left_first == right_first) & np.isin(left_first, (LEFT, RIGHT)) & (longer != 0)
    chosen = counted & np.isin(people, (LEFT, RIGHT))
    return PairLengthBias(_share_of((left_first == longer)[counted]), _share_of((people == longer)[chosen]))


def solution_length_bias(
    judged: JudgedSolutions, lengths: Floats | None = None, *, resamples: int = RESAMPLES
) -> SolutionLengthBias:
    """`lengths` are in any unit, such as characters; steps by default. The point-biserial correlation is Pearson's.

    Intervals are by the bootstrap over solutions. A correlation is undefined if the judge says the same of all solutions.
    """
    readable = judged.is_readable
    amounts = judged.lengths.astype(np.float64) if lengths is None else lengths
    x, y, z = amounts[readable], (judged.named >= 0)[readable], judged.is_erroneous[readable]
    tallies = _moments(x, y, z)
    return SolutionLengthBias(
        measure(tallies, _read_correlation, resamples=resamples),
        measure(_moments(x[~z], y[~z], z[~z]), _read_correlation, resamples=resamples),
        measure(tallies, _read_partial_correlation, resamples=resamples),
    )


def self_preference(judged: JudgedSolutions, is_own: Bools) -> SelfPreference:
    """`is_own` marks the solutions that the judge's own model wrote. Unreadable verdicts accept nothing."""
    accepts = judged.named == NO_ERROR
    own, others = (
        Proportion(int((accepts & judged.is_erroneous & group).sum()), int((judged.is_erroneous & group).sum()))
        for group in (is_own, ~is_own)
    )
    return SelfPreference(own, others, share_difference(own, others))


def share_difference(first: Proportion, second: Proportion) -> Measured:
    """first - second with the interval of Newcombe 1998 (method 10), made of the two Wilson intervals.

    With shares p and q and their intervals (l, u) and (m, v), it reaches from p - q - sqrt((p - l)^2 + (v - q)^2) to
    p - q + sqrt((u - p)^2 + (q - m)^2). Undefined if either has no trials.
    """
    p, q = first.value, second.value
    if p is None or q is None:
        return Measured(None, None, None, first.of + second.of)
    (low, high), (other_low, other_high) = first.interval, second.interval
    below, above = sqrt((p - low) ** 2 + (other_high - q) ** 2), sqrt((high - p) ** 2 + (q - other_low) ** 2)
    return Measured(p - q, p - q - below, p - q + above, first.of + second.of)


def _share_of(hits: Bools) -> Measured:
    return measure_share(np.column_stack((hits, np.ones(len(hits)))))


def _moments(x: Floats, y: Bools, z: Bools) -> Floats:
    """A row per solution: 1, the three values about their means, and their six products."""
    columns = [values - values.mean() if len(values) else values * 1.0 for values in (x, y, z)]
    products = [columns[i] * columns[j] for i in range(3) for j in range(i, 3)]
    return np.column_stack((np.ones(len(x)), *columns, *products))


def _read_correlation(sums: Floats) -> Floats:
    return _correlations(sums)[0]


def _read_partial_correlation(sums: Floats) -> Floats:
    """(r_xy - r_xz r_yz) / sqrt((1 - r_xz^2) (1 - r_yz^2)); where all solutions are alike in z, r_xy."""
    xy, xz, yz = (np.where(np.isfinite(r), r, 0.0) for r in _correlations(sums))
    plain = _correlations(sums)[0]
    partial = (xy - xz * yz) / np.sqrt((1 - xz**2) * (1 - yz**2))
    return np.asarray(np.where(np.isfinite(plain), partial, np.nan))


def _correlations(sums: Floats) -> tuple[Floats, Floats, Floats]:
    """Pearson's r of x and y, x and z, y and z; NaN where one of them does not vary."""
    n, x, y, z, xx, xy, xz, yy, yz, zz = np.moveaxis(sums, -1, 0)

    def r(ab: Floats, a: Floats, b: Floats, aa: Floats, bb: Floats) -> Floats:
        variances = np.stack((aa - a * a / n, bb - b * b / n))
        variances = np.where(variances > VARIES * n, variances, np.nan)
        return np.asarray((ab - a * b / n) / np.sqrt(variances[0] * variances[1]))

    return r(xy, x, y, xx, yy), r(xz, x, z, xx, zz), r(yz, y, z, yy, zz)
