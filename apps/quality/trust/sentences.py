"""What the biases of judges come to, each as a sentence for pages and the API. Pure."""

from __future__ import annotations

from apps.quality.statistics.bootstrap import Measured
from apps.quality.trust.bias import SelfPreference, SolutionLengthBias
from apps.quality.trust.preferences import PreferenceReport

MOSTLY = 0.9


def length_sentence(length: SolutionLengthBias) -> str:
    """Decided by the correlation given the truth, as longer solutions may have more errors."""
    correlation = length.given_truth
    if correlation.value is None:
        return "It says the same of all solutions, or all have one length: no correlation."
    if not _excludes(correlation, 0.0):
        return "Its verdicts do not clearly depend on length."
    return f"It names an error more often in {'longer' if correlation.value > 0 else 'shorter'} solutions."


def preference_sentence(preference: SelfPreference) -> str:
    """Decided by the difference of the two rates of false acceptance."""
    if preference.own.of == 0:
        return "Its own model wrote none of the erroneous solutions, as far as is known."
    if preference.others.of == 0:
        return "Only its own model wrote erroneous solutions: there is nothing to compare with."
    difference = preference.difference
    if difference.value is None or not _excludes(difference, 0.0):
        return "It does not clearly accept errors of its own model more often than those of others."
    return (
        f"It accepts errors of its own model {'more' if difference.value > 0 else 'less'} often than those of others."
    )


def usable_sentence(report: PreferenceReport) -> str:
    """Whether the judge yields preferences, and why not. A verdict is usable if it is the same in both orders."""
    usable, flips, first = report.usable.value, report.position.flips, report.position.first_shown
    if usable is None:
        return "It has judged no comparison."
    if usable > 0 and (flips.value or 0.0) < MOSTLY:
        return f"{usable:.0%} of its verdicts are the same in both orders, and usable."
    share = "None" if usable == 0 else f"Only {usable:.0%}"
    start = f"{share} of its verdicts {'is' if usable == 0 or usable < 0.02 else 'are'} usable"
    if flips.value is None or flips.value < MOSTLY:
        return f"{start}: the others are ties between votes, refused or unreadable."
    if first.value is not None and first.value >= MOSTLY:
        return f"{start}: it prefers the side that is shown first, whichever it is, so it yields no preference."
    if first.value is not None and first.value <= 1 - MOSTLY:
        return f"{start}: it prefers the side that is shown last, whichever it is, so it yields no preference."
    return f"{start}: its verdict changes with the order of the sides, so it yields no preference."


def _excludes(measured: Measured, value: float) -> bool:
    """Whether the interval is known and does not contain the value."""
    if measured.low is None or measured.high is None:
        return False
    return not measured.low <= value <= measured.high
