"""Agreement between labelers, between two of them, and between people and models. Pure.

The agreement within a round or a subject is that of a selection of entries: `ratings.where(...)`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np

from apps.corpus.labels import BAD, UNKNOWN
from apps.quality.aggregation.majority import majority_labels
from apps.quality.statistics import coefficients
from apps.quality.statistics.bootstrap import RESAMPLES, Measured, measure, measure_share
from apps.quality.statistics.ratings import (
    CLASSES,
    FirstErrors,
    Floats,
    Ints,
    Ratings,
    ReliabilityData,
    first_errors_of,
    ints,
)


@dataclass(frozen=True, slots=True)
class FirstErrorAgreement:
    """Of solutions that two or more labelers rated: how often two of them name the same first error."""

    exact: Measured
    within_one: Measured
    kappa: Measured


@dataclass(frozen=True, slots=True)
class StepAgreement:
    """Of steps that two or more labelers rated. `confusion[c][k]` counts pairs of ratings c - 1 and k - 1."""

    alpha_nominal: Measured
    alpha_ordinal: Measured
    kappa: Measured
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class Agreement:
    first_errors: FirstErrorAgreement
    steps: StepAgreement


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two labelers on what both rated. `confusion[c][k]`: the first rates c - 1 and the second k - 1."""

    first: int
    second: int
    exact: Measured
    kappa: Measured
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class SourceAgreement:
    """One source (Monte Carlo, a judge) against another (people), on steps that both label; okay counts as not bad.

    `precision` and `recall` are of bad steps, by the labels of the second source. `confusion[c][k]`: the first source
    labels c - 1 and the second k - 1.
    """

    accuracy: Measured
    kappa: Measured
    precision: Measured
    recall: Measured
    first_error_exact: Measured
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class ValuePairs:
    """Every two values of one unit, that of the labeler with the lower number first."""

    units: Ints
    first: Ints
    second: Ints
    first_values: Ints
    second_values: Ints


NO_PAIRS = ValuePairs(*[ints([])] * 5)


def agreement(ratings: Ratings, *, resamples: int = RESAMPLES) -> Agreement:
    """Agreement between all labelers of these ratings."""
    return Agreement(
        first_error_agreement(ratings, resamples=resamples),
        step_agreement(ratings.reliability_data(), resamples=resamples),
    )


def first_error_agreement(ratings: Ratings, *, resamples: int = RESAMPLES) -> FirstErrorAgreement:
    reliability_data = ratings.first_errors().reliability_data()
    pairs = pairs_of(reliability_data)
    exact, near = _matches(pairs)
    return FirstErrorAgreement(
        measure_share(_shares(exact, pairs.units, ratings.solution_count)),
        measure_share(_shares(near, pairs.units, ratings.solution_count)),
        measure(coefficients.fleiss_tallies(reliability_data), coefficients.read_fleiss, resamples=resamples),
    )


def step_agreement(reliability_data: ReliabilityData, *, resamples: int = RESAMPLES) -> StepAgreement:
    """Agreement of values on any ordered scale: ratings of steps, or preferences."""
    coincidences = coefficients.coincidences(reliability_data)
    pairs = pairs_of(reliability_data)
    table = _table(pairs.first_values, pairs.second_values, reliability_data.value_count)
    return StepAgreement(
        measure(coincidences, coefficients.read_alpha("nominal"), resamples=resamples),
        measure(coincidences, coefficients.read_alpha("ordinal"), resamples=resamples),
        measure(coefficients.fleiss_tallies(reliability_data), coefficients.read_fleiss, resamples=resamples),
        (table + table.T).tolist(),
    )


def pair_agreements(ratings: Ratings, *, resamples: int = RESAMPLES) -> list[PairAgreement]:
    """Of each pair of labelers who rated the same solution or step."""
    clusters = ratings.solution_of_step()
    steps = _by_labelers(pairs_of(ratings.reliability_data()))
    solutions = _by_labelers(pairs_of(ratings.first_errors().reliability_data()))
    agreements = []
    for first, second in sorted(steps.keys() | solutions.keys()):
        on_steps, on_solutions = steps.get((first, second), NO_PAIRS), solutions.get((first, second), NO_PAIRS)
        exact = on_solutions.first_values == on_solutions.second_values
        # The same clusters, counted from 0 without gaps.
        cluster_numbers = np.unique(clusters[on_steps.units], return_inverse=True)[1]
        tallies = coefficients.confusions(on_steps.first_values, on_steps.second_values, cluster_numbers, CLASSES)
        agreements.append(
            PairAgreement(
                first,
                second,
                measure_share(np.column_stack((exact, np.ones(len(exact))))),
                measure(tallies, coefficients.read_cohen, resamples=resamples),
                _table(on_steps.first_values, on_steps.second_values, CLASSES).tolist(),
            )
        )
    return agreements


def others_first_errors(ratings: Ratings) -> tuple[FirstErrors, Ints]:
    """The first error that each labeler names, and for each the first error by the majority of all other labelers.

    The labeler's own ratings are left out of what they are compared with.
    """
    own = ratings.first_errors()
    lengths = np.diff(ratings.offsets)[own.solutions]
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    # A copy of the solution's steps for each labeler who rated it: `shift` leads from a step to its place there.
    shift = offsets[:-1] - ratings.offsets[own.solutions]
    counts = ratings.reliability_data().counts()[np.arange(offsets[-1]) - np.repeat(shift, lengths)]
    keys = own.solutions * max(1, ratings.labeler_count) + own.labelers
    by_key = np.argsort(keys)
    rating_keys = ratings.solution_of_step()[ratings.steps] * max(1, ratings.labeler_count) + ratings.labelers
    copy_numbers = by_key[np.searchsorted(keys, rating_keys, sorter=by_key)]
    counts[ratings.steps + shift[copy_numbers], ratings.ratings + 1] -= 1
    if not len(own.solutions):
        return own, ints([])
    return own, first_errors_of(majority_labels(counts), offsets)


def source_agreement(labels: Ints, reference: Ints, offsets: Ints, *, resamples: int = RESAMPLES) -> SourceAgreement:
    """Agreement of two sources with one label per step, UNKNOWN where a source has none."""
    both = (labels != UNKNOWN) & (reference != UNKNOWN)
    solutions = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[both]
    tallies = coefficients.confusions((labels[both] != BAD) * 1, (reference[both] != BAD) * 1, solutions, 2)
    first, second = first_errors_of(labels, offsets), first_errors_of(reference, offsets)
    both_known = (first != UNKNOWN) & (second != UNKNOWN)
    exact = np.column_stack((first == second, np.ones(len(first)))) * both_known[:, None]
    return SourceAgreement(
        measure(tallies, coefficients.read_accuracy, resamples=resamples),
        measure(tallies, coefficients.read_cohen, resamples=resamples),
        measure(_bearing(tallies, 0, 1), partial(_read_hit_rate, 1), resamples=resamples),
        measure(_bearing(tallies, 0, 2), partial(_read_hit_rate, 2), resamples=resamples),
        measure_share(exact),
        _table(labels[both] + 1, reference[both] + 1, CLASSES).tolist(),
    )


def pairs_of(reliability_data: ReliabilityData) -> ValuePairs:
    """Every two values that different labelers gave the same unit."""
    order = np.lexsort((reliability_data.labelers, reliability_data.units))
    units, labelers, values = (
        reliability_data.units[order],
        reliability_data.labelers[order],
        reliability_data.values[order],
    )
    left = np.arange(len(units))
    indices: list[tuple[Ints, Ints]] = []
    for lag in range(1, len(units)):
        left = left[left + lag < len(units)]
        left = left[units[left] == units[left + lag]]
        if not len(left):
            break
        differ = left[labelers[left] != labelers[left + lag]]
        indices.append((differ, differ + lag))
    firsts, seconds = (
        (np.concatenate([ints([]), *side]) for side in zip(*indices, strict=True)) if indices else (ints([]),) * 2
    )
    return ValuePairs(units[firsts], labelers[firsts], labelers[seconds], values[firsts], values[seconds])


# --- tallies ----------------------------------------------------------------------------------------------


def _matches(pairs: ValuePairs) -> tuple[Floats, Floats]:
    """Whether two labelers name the same first error; and whether they name the same or neighbouring positions."""
    exact = pairs.first_values == pairs.second_values
    both_errors = (pairs.first_values > 0) & (pairs.second_values > 0)
    near = exact | (both_errors & (abs(pairs.first_values - pairs.second_values) <= 1))
    return exact.astype(np.float64), near.astype(np.float64)


def _shares(hits: Floats, units: Ints, count: int) -> Floats:
    """Per solution: the share of its pairs that match, and 1, so that each solution has the same weight."""
    pairs = np.bincount(units, minlength=count)
    shares = np.bincount(units, weights=hits, minlength=count) / np.maximum(pairs, 1)
    return np.column_stack((shares, pairs > 0))


def _bearing(tallies: Floats, *columns: int) -> Floats:
    """The tallies of solutions with anything in these columns, and zeros for all others."""
    bears = np.asarray(tallies[:, list(columns)].any(axis=1), dtype=np.bool_)
    return np.asarray(tallies * bears[:, None])


def _read_hit_rate(misses: int, tallies: Floats) -> Floats:
    """The share of hits, which are in the first column, among hits and the column of misses: precision or recall."""
    return np.asarray(tallies[..., 0] / (tallies[..., 0] + tallies[..., misses]))


def _table(first: Ints, second: Ints, values: int) -> Ints:
    return np.bincount(first * values + second, minlength=values * values).reshape(values, values)


def _by_labelers(pairs: ValuePairs) -> dict[tuple[int, int], ValuePairs]:
    order = np.lexsort((pairs.units, pairs.second, pairs.first))
    rows = np.stack((pairs.units, pairs.first, pairs.second, pairs.first_values, pairs.second_values))[:, order]
    changes = np.flatnonzero((np.diff(rows[1]) != 0) | (np.diff(rows[2]) != 0)) + 1
    parts = np.split(rows, changes, axis=1) if rows.shape[1] else []
    return {(int(part[1, 0]), int(part[2, 0])): ValuePairs(*part) for part in parts}
