"""The rule of Dawid and Skene (1979): labelers' error rates and true labels, estimated together by EM.

Every labeler has a confusion matrix P(rating k | true class c), and every step a true class. Ratings may be missing if
whether they are depends on the other ratings and not on the truth, as when a labeler stops after the first bad step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from apps.corpus.labels import BAD, NO_ERROR, UNKNOWN
from apps.quality.aggregation.base import AggregationResult, Options, certainty_of
from apps.quality.statistics.ratings import Bools, Floats, Ints, Ratings, ReliabilityData


class DawidSkeneOptions(Options, frozen=True):
    """Each labeler starts with `prior_ratings` ratings of each class, of which the share `prior_accuracy` is right.

    With few labels the prior keeps the estimates cautious. 8 and 0.6 are the defaults of R's `rater` package (Pullin,
    Gurrin and Vukcevic 2021). With 0 prior ratings it is the plain maximum likelihood of 1979.
    """

    prior_ratings: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 8.0
    prior_accuracy: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.6
    tolerance: Annotated[float, msgspec.Meta(gt=0, le=0.1)] = 1e-4
    max_iterations: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500


@dataclass(frozen=True, slots=True)
class DawidSkeneFit:
    """`probabilities[u, c]` that the true class of unit u is c, `marginals[c]` of the classes, and
    `confusion[l, c, k]` that labeler l rates k when the truth is c."""

    probabilities: Floats
    marginals: Floats
    confusion: Floats
    iterations: int
    has_converged: bool


def fit(reliability_data: ReliabilityData, labeler_count: int, options: DawidSkeneOptions) -> DawidSkeneFit:
    """Start from the shares of ratings, as in the paper; stop when no probability changes by more than the tolerance."""
    classes = reliability_data.value_count
    order = np.argsort(reliability_data.units, kind="stable")
    units, cells = reliability_data.units[order], (reliability_data.labelers * classes + reliability_data.values)[order]
    starts = np.flatnonzero(np.diff(units, prepend=-1))
    rated_units = units[starts]
    rows = np.repeat(np.arange(len(rated_units)), np.diff(np.append(starts, len(units))))
    # The prior ratings, as an array [true class, labeler * classes + rating].
    wrong = (1 - options.prior_accuracy) / max(1, classes - 1)
    of_labeler = options.prior_ratings * np.where(np.eye(classes, dtype=np.bool_), options.prior_accuracy, wrong)
    prior = np.tile(of_labeler, (1, labeler_count))
    probabilities = _normalized(np.ascontiguousarray(reliability_data.counts()[rated_units].T, dtype=np.float64))
    change, iterations = np.inf, 0
    while change > options.tolerance and iterations < options.max_iterations:
        expected = _expectation(*_maximization(probabilities, rows, cells, prior), cells, starts)
        change = float(np.abs(expected - probabilities).max(initial=0.0))
        probabilities, iterations = expected, iterations + 1
    marginals, confusion = _maximization(probabilities, rows, cells, prior)
    of_all_units = np.tile(marginals, (len(reliability_data.clusters), 1))
    of_all_units[rated_units] = probabilities.T
    by_labeler = confusion.reshape(classes, -1, classes).transpose(1, 0, 2)
    return DawidSkeneFit(of_all_units, marginals, by_labeler, iterations, change <= options.tolerance)


class DawidSkene:
    """The first error is the position that most probably has the first bad step."""

    name: ClassVar[str] = "dawid-skene"
    title: ClassVar[str] = "Dawid-Skene"
    about: ClassVar[str] = "Weighs each labeler by their error rates, estimated from all ratings."

    def __init__(self, options: DawidSkeneOptions) -> None:
        self.options = options

    def aggregate(self, ratings: Ratings) -> AggregationResult:
        probabilities = fit(ratings.reliability_data(), ratings.labeler_count, self.options).probabilities
        rater_counts = np.bincount(ratings.steps, minlength=ratings.step_count)
        labeler_counts = np.bincount(ratings.first_errors().solutions, minlength=ratings.solution_count)
        is_rated = rater_counts > 0
        first_errors, error_certainty = first_error_probabilities(probabilities[:, BAD + 1], is_rated, ratings.offsets)
        certainty = np.where(is_rated, probabilities.max(axis=1), 0.0)
        # The model trusts a labeler without a second one to compare: a single rating gets at most its own certainty.
        certainty_of_one = float(certainty_of(1, 1))
        return AggregationResult(
            np.where(is_rated, probabilities.argmax(axis=1) - 1, UNKNOWN),
            np.where(rater_counts == 1, np.minimum(certainty, certainty_of_one), certainty),
            first_errors,
            np.where(labeler_counts == 1, np.minimum(error_certainty, certainty_of_one), error_certainty),
            np.zeros(ratings.solution_count, dtype=np.bool_),
            np.zeros(ratings.step_count, dtype=np.bool_),
        )

    def raters_needed(self, required: Ints) -> Ints:
        """Two at most: the probabilities already express how few ratings there are. A single rating is thin."""
        return np.minimum(required, 2)


def first_error_probabilities(bad: Floats, is_rated: Bools, offsets: Ints) -> tuple[Ints, Floats]:
    """The most probable first error of each solution, and its probability, from each step's probability to be bad.

    P(first error at e) = P(bad at e) x product over the steps before of P(not bad); P(none) is the whole product.
    An unrated step is never the first error, and a solution with an unrated step is never free of errors: where that
    would be the most probable, the first error is UNKNOWN.
    """
    starts, lengths = offsets[:-1], np.diff(offsets)
    log_good = np.log1p(-np.minimum(bad, 1 - 1e-12))
    running = np.cumsum(log_good)
    before = running - log_good
    base = np.repeat(before[starts], lengths)
    probabilities = np.where(is_rated, bad * np.exp(before - base), 0.0)
    none = np.exp(running[offsets[1:] - 1] - before[starts])
    best = np.maximum.reduceat(probabilities, starts)
    solutions = np.repeat(np.arange(len(starts)), lengths)
    best_steps = np.flatnonzero((probabilities == best[solutions]) & (probabilities > 0))
    positions = np.zeros(len(starts), dtype=np.int64)
    # Of equals the first counts: it is assigned last.
    positions[solutions[best_steps][::-1]] = (best_steps - starts[solutions[best_steps]])[::-1]
    is_complete = np.minimum.reduceat(is_rated, starts)
    errors = np.where(best > none, positions, np.where(is_complete, NO_ERROR, UNKNOWN))
    return errors, np.where(errors == UNKNOWN, 0.0, np.maximum(none, best))


# --- EM. Arrays have the true class as their first axis: numpy is twice as fast along long rows -------------


def _maximization(probabilities: Floats, rows: Ints, cells: Ints, prior: Floats) -> tuple[Floats, Floats]:
    """Marginals, and P(rating | true class) in the prior's shape.

    A labeler without ratings gets the prior's, or a uniform one where the prior is empty.
    """
    classes = len(probabilities)
    counts = [np.bincount(cells, weights=of_class[rows], minlength=prior.shape[1]) for of_class in probabilities]
    table = (np.stack(counts) + prior).reshape(classes, -1, classes)
    totals = table.sum(axis=2, keepdims=True)
    confusion = np.where(totals > 0, table / np.where(totals > 0, totals, 1.0), 1 / classes)
    prior_units = float(prior.any())  # One unit of each class, if there is a prior.
    units = probabilities.shape[1] + classes * prior_units
    marginals = (probabilities.sum(axis=1) + prior_units) / units if units else np.full(classes, 1 / classes)
    return marginals, confusion.reshape(prior.shape)


def _expectation(marginals: Floats, confusion: Floats, cells: Ints, starts: Ints) -> Floats:
    if not len(starts):
        return np.zeros((len(marginals), 0))
    with np.errstate(divide="ignore"):
        logs = np.stack([np.add.reduceat(of_class[cells], starts) for of_class in np.log(confusion)])
        logs += np.log(marginals)[:, None]
    return _normalized(np.exp(logs - logs.max(axis=0)))


def _normalized(weights: Floats) -> Floats:
    return np.asarray(weights / weights.sum(axis=0))
