"""When a judge is certified, and how many solutions people must label to find out. Pure.

Both rates of a judge must reach the bar with the lower ends of their 95 % intervals, those that pages show. As both must pass,
the chance to certify a judge with one rate at the bar is that of this rate alone, 2.5 %: no correction is needed for there
being two (Berger 1982).

The bootstrap over solutions knows nothing of what a small sample does not contain: 12 of 12 have a wide interval in truth and
none by resampling. The bound is therefore the smaller of the bootstrap's and Clopper and Pearson's, the latter with one
observation per solution however many steps were judged in it, as if they all were right or wrong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from apps.quality.statistics.bootstrap import Measured
from apps.quality.statistics.exact_bounds import clopper_pearson, incomplete_beta, smallest_sample

BAR = 0.80
TAIL = 0.025  # Of a 95 % interval, on each side.
POWER = 0.8
MOST_SOLUTIONS = 100_000


@dataclass(frozen=True, slots=True)
class RateBound:
    """`low` is the bound that is held against the bar; `more` is about how many more solutions of the kind that the rate
    rests on would bring it there at the same rate, None where none would, or where it is there."""

    value: float | None
    low: float
    solutions: int
    passes: bool
    more: int | None


@dataclass(frozen=True, slots=True)
class Certificate:
    """`reasons` says for each rate that does not pass what is missing; it is empty if the certificate is granted."""

    is_granted: bool
    bar: float
    true_positive: RateBound
    true_negative: RateBound
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BlindRoundSize:
    """`erroneous` and `correct` solutions are needed; a random sample holds as many if it has `solutions`."""

    solutions: int
    erroneous: int
    correct: int


def certify(true_positive: Measured, true_negative: Measured, bar: float = BAR) -> Certificate:
    """Whether the lower bounds of both rates reach the bar. Raises ValueError for a bar that is not between 0 and 1."""
    _check_share("bar", bar)
    found, cleared = rate_bound(true_positive, bar), rate_bound(true_negative, bar)
    reasons = (
        _reason("true-positive rate", "solutions with an error", found, bar),
        _reason("true-negative rate", "solutions with good steps", cleared, bar),
    )
    return Certificate(
        found.passes and cleared.passes, bar, found, cleared, tuple(reason for reason in reasons if reason)
    )


def rate_bound(rate: Measured, bar: float) -> RateBound:
    if rate.value is None:
        return RateBound(None, 0.0, rate.solutions, passes=False, more=None)
    exact = clopper_pearson(rate.value * rate.solutions, rate.solutions)[0]
    low = min(exact, exact if rate.low is None else rate.low)
    passes = low >= bar
    return RateBound(rate.value, low, rate.solutions, passes, None if passes else _more(rate.value, low, rate, bar))


def round_for_half_width(half_width: float, *, rate: float = 0.9, erroneous: float = 0.5) -> BlindRoundSize:
    """The blind round in which an expected rate has a 95 % interval of Clopper and Pearson no wider than +- half_width.

    `erroneous` is the expected share of solutions with an error. Raises ValueError, which names the invalid argument.
    """
    _check_share("half_width", half_width)
    _check_share("rate", rate)

    def is_enough(solutions: int) -> bool:
        low, high = clopper_pearson(rate * solutions, solutions)
        return high - low <= 2 * half_width

    of_each = smallest_sample(is_enough, 1, MOST_SOLUTIONS)
    if of_each is None:
        raise ValueError(f"half_width: is so small that more than {MOST_SOLUTIONS:,} solutions are needed")
    return _round_of(of_each, erroneous)


def round_for_bar(
    bar: float = BAR, *, rate: float = 0.9, erroneous: float = 0.5, power: float = POWER
) -> BlindRoundSize:
    """The blind round in which a judge with this true rate reaches the bar with a probability of `power`.

    Of n solutions, c hits reach the bar if P(Bin(n, bar) >= c) <= 0.025; the power is P(Bin(n, rate) >= c). Both tails are
    incomplete beta functions. Raises ValueError, which names the invalid argument.
    """
    for name, value in (("bar", bar), ("rate", rate), ("power", power)):
        _check_share(name, value)
    if rate <= bar:
        raise ValueError(f"rate: must be above the bar of {bar}")
    hits = 1
    for solutions in range(1, MOST_SOLUTIONS):
        while hits <= solutions and incomplete_beta(bar, hits, solutions - hits + 1) > TAIL:
            hits += 1
        if hits <= solutions and incomplete_beta(rate, hits, solutions - hits + 1) >= power:
            return _round_of(solutions, erroneous)
    raise ValueError(f"rate: is so close to the bar that more than {MOST_SOLUTIONS:,} solutions are needed")


def _round_of(of_each: int, erroneous: float) -> BlindRoundSize:
    _check_share("erroneous", erroneous)
    return BlindRoundSize(ceil(of_each / min(erroneous, 1 - erroneous) - 1e-9), of_each, of_each)


def _more(value: float, low: float, rate: Measured, bar: float) -> int | None:
    """What Clopper and Pearson's bound lacks, or what the bootstrap's lacks if its distance shrinks with the root of n."""
    exact = smallest_sample(lambda n: clopper_pearson(value * n, n)[0] >= bar, 1, MOST_SOLUTIONS)
    if exact is None:
        return None
    scaled = ceil(rate.solutions * ((value - low) / (value - bar)) ** 2)
    # The bound may be missed by the bootstrap alone.
    return max(1, (exact if exact > rate.solutions else scaled) - rate.solutions)


def _reason(name: str, kind: str, bound: RateBound, bar: float) -> str:
    if bound.passes:
        return ""
    if bound.value is None:
        return f"{name}: no {kind} have been judged"
    if bound.more is None:
        return (
            f"{name} {bound.value:.2f} is not clearly above the bar of {bar:.2f}: at this rate more {kind} do not help"
        )
    return (
        f"{name} {bound.value:.2f}, lower bound {bound.low:.2f} is below the bar of {bar:.2f}; "
        f"about {bound.more} more {kind} are needed at this rate"
    )


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name}: must be between 0 and 1")
