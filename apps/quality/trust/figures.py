"""How far a judge can be trusted: its rates, F1, agreement with people and with itself, and its cost. Pure.

Every figure has an interval by the bootstrap over solutions. Which steps count as judged is defined in `judged_steps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.quality.statistics.bootstrap import RESAMPLES, Measured, measure, measure_share
from apps.quality.statistics.coefficients import fleiss_tallies, read_cohen, read_fleiss
from apps.quality.statistics.first_error_score import FirstErrorScore, first_error_score
from apps.quality.statistics.ratings import Bools, Floats, Ints, ReliabilityData, ints
from apps.quality.trust.judged_steps import JudgedSolutions, judged_steps


@dataclass(frozen=True, slots=True)
class JudgeFigures:
    """`true_positive` is the share of bad steps that the judge marks bad, `true_negative` that of good steps that it does
    not mark bad, and `kappa` Cohen's, of the same step verdicts against people.

    `exact` is the share of solutions whose first error is acceptable, and `first_errors` holds ProcessBench's F1 and its two
    accuracies; unreadable verdicts are wrong in both. `unreadable` is their share. `self_consistency` is the judge's
    kappa with itself over repeats. `cost` is the mean per solution, in the unit of the given costs.
    """

    true_positive: Measured
    true_negative: Measured
    exact: Measured
    first_errors: FirstErrorScore
    kappa: Measured
    self_consistency: Measured
    cost: Measured
    unreadable: Measured


def judge_figures(
    judged: JudgedSolutions,
    *,
    repeats: Sequence[Sequence[int]] = (),
    costs: Floats | None = None,
    scored: Bools | None = None,
    resamples: int = RESAMPLES,
) -> JudgeFigures:
    """The figures over these solutions.

    `scored` is a mask over all steps (solution by solution): those that people rated, or the positions that are asked
    for. It applies to the rates and to kappa. `repeats` holds, of each solution that was judged more than once, all first
    errors named. `costs` has an entry for each solution, NaN where the cost is unknown.
    """
    table = judged_steps(judged, scored).confusions(len(judged.named))
    is_right, everyone = judged.is_right, np.ones(len(judged.named))
    true_positive, true_negative = _rates(table, resamples)
    return JudgeFigures(
        true_positive=true_positive,
        true_negative=true_negative,
        exact=measure(np.column_stack((is_right, everyone)), read_share, resamples=resamples),
        first_errors=first_error_score(is_right, judged.is_erroneous, np.arange(len(is_right)), resamples=resamples),
        kappa=measure(table, read_cohen, resamples=resamples),
        self_consistency=self_consistency(repeats, resamples=resamples),
        cost=measure_mean(np.full(len(is_right), np.nan) if costs is None else costs, resamples=resamples),
        unreadable=measure_share(np.column_stack((~judged.is_readable, everyone))),
    )


def judge_rates(judged: JudgedSolutions, *, resamples: int = RESAMPLES) -> tuple[Measured, Measured]:
    """The true-positive and the true-negative rate alone, as in `judge_figures`: what a certificate needs."""
    return _rates(judged_steps(judged).confusions(len(judged.named)), resamples)


def _rates(table: Floats, resamples: int) -> tuple[Measured, Measured]:
    return (
        measure(_shares(table[:, 3], table[:, 2]), read_share, resamples=resamples),
        measure(_shares(table[:, 0], table[:, 1]), read_share, resamples=resamples),
    )


def self_consistency(repeats: Sequence[Sequence[int]], *, resamples: int = RESAMPLES) -> Measured:
    """Fleiss's kappa of a judge with itself: the repeated verdicts on one unit are those of several raters.

    Also for two repeats, which Cohen's kappa would tell apart as first and second, while their order means nothing. The
    verdicts are any numbers; an unreadable one (UNKNOWN) is a value of its own. Units judged once do not count.
    """
    units = np.repeat(np.arange(len(repeats)), [len(verdicts) for verdicts in repeats])
    verdicts = ints([verdict for unit in repeats for verdict in unit])
    numbers = ints([number for unit in repeats for number in range(len(unit))])
    known, values = np.unique(verdicts, return_inverse=True)
    reliability_data = ReliabilityData(units, numbers, ints(values), np.arange(len(repeats)), max(1, len(known)))
    return measure(fleiss_tallies(reliability_data), read_fleiss, resamples=resamples)


def measure_mean(values: Floats, *, resamples: int = RESAMPLES) -> Measured:
    """The mean of amounts of at least 0, NaN left out. One amount has no interval, and equal ones have one without width."""
    known = values[np.isfinite(values)]
    scale = float(known.max(initial=0.0)) or 1.0  # `measure` takes tiny differences for none.
    mean = measure(np.column_stack((known / scale, np.ones(len(known)))), read_share, resamples=resamples)
    value, low, high = (None if bound is None else bound * scale for bound in (mean.value, mean.low, mean.high))
    if len(known) and np.ptp(known) == 0:
        low = high = value if len(known) > 1 else None
    return Measured(value, low, high, mean.solutions)


def steps_at(judged: JudgedSolutions, first: int, last: int) -> Bools:
    """The mask of all steps at positions `first` to `last`, both included."""
    solutions = np.repeat(np.arange(len(judged.lengths)), judged.lengths)
    positions: Ints = np.arange(len(solutions)) - judged.offsets[solutions]
    return np.asarray((positions >= first) & (positions <= last))


def read_share(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / sums[..., 1])


def _shares(hits: Floats, misses: Floats) -> Floats:
    return np.column_stack((hits, hits + misses))
