"""Dawid and Skene 1979: who errs how, and what is true, each from the other, by expectation maximisation.

Every labeler has a confusion matrix P(said k | true c), and every step a true class. A word may be missing wherever
it likes, provided that it depends on what was said and not on the truth: stopping after one's own first bad step is so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import msgspec
import numpy as np

from apps.corpus.labels import BAD, NO_ERROR, UNKNOWN
from apps.quality.aggregation.base import Options, Settlement, certainty_of
from apps.quality.statistics.ratings import Bools, Floats, Ints, Ratings, ReliabilityData


class DawidSkeneOptions(Options, frozen=True):
    """A labeler starts with so many imagined words, of which this share is right: with few labels, few conclusions.

    8 and 0.6 are what the `rater` package of R takes (Pullin, Gurrin and Vukcevic 2021). 0 words is the plain
    maximum likelihood of 1979.
    """

    imagined: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 8.0
    imagined_right: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.6
    tolerance: Annotated[float, msgspec.Meta(gt=0, le=0.1)] = 1e-4
    rounds: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 500


@dataclass(frozen=True, slots=True)
class Fit:
    """`chances[u, c]` that unit u is truly c, `marginals[c]`, `confusion[l, c, k]` that labeler l says k of a true c."""

    chances: Floats
    marginals: Floats
    confusion: Floats
    rounds: int
    has_converged: bool

    def accuracy(self) -> Floats:
        """Per labeler: the chance to be right."""
        return np.asarray(np.einsum("c,lcc->l", self.marginals, self.confusion))

    def information(self) -> Floats:
        """Per labeler, 0 to 1: how far what is said depends on what is true (Raykar and Yu 2012).

        Who always says great is right wherever most steps are great, and worth nothing: 0.
        """
        classes = len(self.marginals)
        apart = self.confusion[:, :, None, :] - self.confusion[:, None, :, :]
        return np.asarray((apart**2).sum(axis=(1, 2, 3)) / (2 * classes * (classes - 1)))


def fit(reliability_data: ReliabilityData, labeler_count: int, options: DawidSkeneOptions) -> Fit:
    """Starts from the share of votes, as they did; ends when no chance moves by more than the tolerance."""
    classes = reliability_data.value_count
    order = np.argsort(reliability_data.units, kind="stable")
    units, cells = reliability_data.units[order], (reliability_data.labelers * classes + reliability_data.values)[order]
    starts = np.flatnonzero(np.diff(units, prepend=-1))
    submitted = units[starts]
    rows = np.repeat(np.arange(len(submitted)), np.diff(np.append(starts, len(units))))
    prior = _prior(classes, labeler_count, options)
    chances = _shares(np.ascontiguousarray(reliability_data.counts()[submitted].T, dtype=np.float64))
    moved, done = np.inf, 0
    while moved > options.tolerance and done < options.rounds:
        expected = _expect(*_maximise(chances, rows, cells, prior), cells, starts)
        moved = float(np.abs(expected - chances).max(initial=0.0))
        chances, done = expected, done + 1
    marginals, words = _maximise(chances, rows, cells, prior)
    everywhere = np.tile(marginals, (len(reliability_data.clusters), 1))
    everywhere[submitted] = chances.T
    confusion = words.reshape(classes, -1, classes).transpose(1, 0, 2)
    return Fit(everywhere, marginals, confusion, done, moved <= options.tolerance)


class DawidSkene:
    """The first error is the position that most likely has the first bad step, by the chances of the steps."""

    name: ClassVar[str] = "dawid-skene"
    title: ClassVar[str] = "Dawid-Skene"
    about: ClassVar[str] = "Weighs each labeler by how they err, as far as the others show it."

    def __init__(self, options: DawidSkeneOptions) -> None:
        self.options = options

    def settle(self, ratings: Ratings) -> Settlement:
        chances = fit(ratings.reliability_data(), ratings.labeler_count, self.options).chances
        is_rated = np.bincount(ratings.steps, minlength=ratings.step_count) > 0
        labels = np.where(is_rated, chances.argmax(axis=1) - 1, UNKNOWN)
        first_errors, certainty = first_error_chances(chances[:, BAD + 1], is_rated, ratings.offsets)
        # The model takes a labeler whom nobody checks at their word: a single voice is no surer than the voice itself.
        alone = float(certainty_of(1, 1))
        of_steps = np.where(is_rated, chances.max(axis=1), 0.0)
        on_steps = np.bincount(ratings.steps, minlength=ratings.step_count)
        on_solutions = np.bincount(ratings.first_errors().solutions, minlength=ratings.solution_count)
        return Settlement(
            labels,
            np.where(on_steps == 1, np.minimum(of_steps, alone), of_steps),
            first_errors,
            np.where(on_solutions == 1, np.minimum(certainty, alone), certainty),
            np.zeros(ratings.solution_count, dtype=np.bool_),
            np.zeros(ratings.step_count, dtype=np.bool_),
        )

    def raters_needed(self, required: Ints) -> Ints:
        """Two at most: voices are weighed, not counted, and how few they are is in the chances. One voice is thin."""
        return np.minimum(required, 2)


def first_error_chances(bad: Floats, is_rated: Bools, offsets: Ints) -> tuple[Ints, Floats]:
    """The likeliest first error of each solution with its chance, from each step's chance to be bad.

    P(first error at e) = P(bad at e) x product over the steps before of P(not bad); P(none) is the whole product.
    A step that nobody rated is never called the first error, and a solution with such a step never free of errors:
    where that would be likeliest, nothing is told.
    """
    starts, lengths = offsets[:-1], np.diff(offsets)
    log_good = np.log1p(-np.minimum(bad, 1 - 1e-12))
    running = np.cumsum(log_good)
    before = running - log_good
    base = np.repeat(before[starts], lengths)
    chances = np.where(is_rated, bad * np.exp(before - base), 0.0)
    none = np.exp(running[offsets[1:] - 1] - before[starts])
    best = np.maximum.reduceat(chances, starts)
    solutions = np.repeat(np.arange(len(starts)), lengths)
    places = np.flatnonzero((chances == best[solutions]) & (chances > 0))
    where = np.zeros(len(starts), dtype=np.int64)
    where[solutions[places][::-1]] = (places - starts[solutions[places]])[::-1]
    whole = np.minimum.reduceat(is_rated, starts)
    errors = np.where(best > none, where, np.where(whole, NO_ERROR, UNKNOWN))
    return errors, np.where(errors == UNKNOWN, 0.0, np.maximum(none, best))


# --- the two steps. Arrays have the true class first: numpy is twice as fast along long rows ----------------


def _prior(classes: int, labeler_count: int, options: DawidSkeneOptions) -> Floats:
    """Imagined words, as [true, labeler * classes + said]."""
    wrong = (1 - options.imagined_right) / max(1, classes - 1)
    table = options.imagined * np.where(np.eye(classes, dtype=np.bool_), options.imagined_right, wrong)
    return np.tile(table, (1, labeler_count))


def _maximise(chances: Floats, rows: Ints, cells: Ints, prior: Floats) -> tuple[Floats, Floats]:
    """Marginals, and P(said | true) in the prior's shape. Who said nothing has the prior's, or an even one."""
    classes = len(chances)
    counts = [np.bincount(cells, weights=of_class[rows], minlength=prior.shape[1]) for of_class in chances]
    table = (np.stack(counts) + prior).reshape(classes, -1, classes)
    totals = table.sum(axis=2, keepdims=True)
    words = np.where(totals > 0, table / np.where(totals > 0, totals, 1.0), 1 / classes)
    imagined = float(prior.any())  # One unit of each class, where anything is imagined at all.
    units = chances.shape[1] + classes * imagined
    marginals = (chances.sum(axis=1) + imagined) / units if units else np.full(classes, 1 / classes)
    return marginals, words.reshape(prior.shape)


def _expect(marginals: Floats, words: Floats, cells: Ints, starts: Ints) -> Floats:
    if not len(starts):
        return np.zeros((len(marginals), 0))
    with np.errstate(divide="ignore"):
        logs = np.stack([np.add.reduceat(of_class[cells], starts) for of_class in np.log(words)])
        logs += np.log(marginals)[:, None]
    return _shares(np.exp(logs - logs.max(axis=0)))


def _shares(weights: Floats) -> Floats:
    return np.asarray(weights / weights.sum(axis=0))
