"""How far labelers agree: of a whole project or a round, of each pair, of people and machines. Pure.

A round or a subject is a selection of entries: `ratings.where(...)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from apps.corpus.labels import BAD, UNKNOWN
from apps.quality.aggregation.majority import majority_labels
from apps.quality.statistics import coefficients as by
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
    """Of solutions that two or more labelers judged: how often two of them name the same first error."""

    exact: Measured
    within_one: Measured
    kappa: Measured


@dataclass(frozen=True, slots=True)
class StepAgreement:
    """Of steps that two or more labelers reached. `confusion[c][k]`: one says c - 1 and another k - 1."""

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
    """Two labelers on what both have judged. `confusion[c][k]`: the first says c - 1 and the second k - 1."""

    first: int
    second: int
    exact: Measured
    kappa: Measured
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class SourceAgreement:
    """One source (Monte Carlo, a judge) against another (people), on steps that both label; neutral is not bad.

    `precision` and `recall` are of bad steps, as the second source sees them. `confusion[c][k]`: the first source
    says c - 1 and the second k - 1.
    """

    accuracy: Measured
    kappa: Measured
    precision: Measured
    recall: Measured
    first_error_exact: Measured
    confusion: list[list[int]]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Every two words on one unit, the labeler with the lower number first."""

    units: Ints
    first: Ints
    second: Ints
    first_said: Ints
    second_said: Ints


NO_PAIRS = Pairs(*[ints([])] * 5)


def agreement(ratings: Ratings, *, resamples: int = RESAMPLES) -> Agreement:
    """Of all who speak in these ratings."""
    return Agreement(
        first_error_agreement(ratings, resamples=resamples),
        step_agreement(ratings.reliability_data(), resamples=resamples),
    )


def first_error_agreement(ratings: Ratings, *, resamples: int = RESAMPLES) -> FirstErrorAgreement:
    reliability_data = ratings.first_errors().reliability_data()
    both = pairs_of(reliability_data)
    exact, near = _matches(both)
    return FirstErrorAgreement(
        measure_share(_shares(exact, both.units, ratings.solution_count)),
        measure_share(_shares(near, both.units, ratings.solution_count)),
        measure(by.fleiss_tallies(reliability_data), by.read_fleiss, resamples=resamples),
    )


def step_agreement(reliability_data: ReliabilityData, *, resamples: int = RESAMPLES) -> StepAgreement:
    """Works for anything that is said on an ordered scale: of steps, and of comparisons."""
    coincidences = by.coincidences(reliability_data)
    both = pairs_of(reliability_data)
    table = _table(both.first_said, both.second_said, reliability_data.value_count)
    return StepAgreement(
        measure(coincidences, by.read_alpha("nominal"), resamples=resamples),
        measure(coincidences, by.read_alpha("ordinal"), resamples=resamples),
        measure(by.fleiss_tallies(reliability_data), by.read_fleiss, resamples=resamples),
        (table + table.T).tolist(),
    )


def pair_agreements(ratings: Ratings, *, resamples: int = RESAMPLES) -> list[PairAgreement]:
    """Of each two labelers who have judged a solution or a step in common."""
    clusters = ratings.solution_of_step()
    steps = _by_couple(pairs_of(ratings.reliability_data()))
    solutions = _by_couple(pairs_of(ratings.first_errors().reliability_data()))
    found = []
    for first, second in sorted(steps.keys() | solutions.keys()):
        on_steps, on_solutions = steps.get((first, second), NO_PAIRS), solutions.get((first, second), NO_PAIRS)
        exact = on_solutions.first_said == on_solutions.second_said
        said, also = on_steps.first_said, on_steps.second_said
        tallies = by.confusions(said, also, _dense(clusters[on_steps.units]), CLASSES)
        found.append(
            PairAgreement(
                first,
                second,
                measure_share(np.column_stack((exact, np.ones(len(exact))))),
                measure(tallies, by.read_cohen, resamples=resamples),
                _table(said, also, CLASSES).tolist(),
            )
        )
    return found


def others_first_errors(ratings: Ratings) -> tuple[FirstErrors, Ints]:
    """First errors as each labeler names them, and beside each what the majority of all others comes to.

    Nobody agrees with themselves: the labeler's own ratings are left out of what they are compared with.
    """
    said = ratings.first_errors()
    lengths = np.diff(ratings.offsets)[said.solutions]
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    # A copy of the solution's steps for each labeler who spoke of it: `shift` leads from a step to its place there.
    shift = offsets[:-1] - ratings.offsets[said.solutions]
    counts = ratings.reliability_data().counts()[np.arange(offsets[-1]) - np.repeat(shift, lengths)]
    keys = said.solutions * max(1, ratings.labeler_count) + said.labelers
    by_key = np.argsort(keys)
    own = ratings.solution_of_step()[ratings.steps] * max(1, ratings.labeler_count) + ratings.labelers
    assignment = by_key[np.searchsorted(keys, own, sorter=by_key)]
    counts[ratings.steps + shift[assignment], ratings.ratings + 1] -= 1
    if not len(said.solutions):
        return said, ints([])
    return said, first_errors_of(majority_labels(counts), offsets)


def source_agreement(ours: Ints, theirs: Ints, offsets: Ints, *, resamples: int = RESAMPLES) -> SourceAgreement:
    """Two sources that give one label per step, UNKNOWN where one says nothing."""
    both = (ours != UNKNOWN) & (theirs != UNKNOWN)
    solutions = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))[both]
    tallies = by.confusions((ours[both] != BAD) * 1, (theirs[both] != BAD) * 1, solutions, 2)
    first, second = first_errors_of(ours, offsets), first_errors_of(theirs, offsets)
    told = (first != UNKNOWN) & (second != UNKNOWN)
    exact = np.column_stack((first == second, np.ones(len(first)))) * told[:, None]
    return SourceAgreement(
        measure(tallies, by.read_accuracy, resamples=resamples),
        measure(tallies, by.read_cohen, resamples=resamples),
        measure(_bearing(tallies, 0, 1), _read_precision, resamples=resamples),
        measure(_bearing(tallies, 0, 2), _read_recall, resamples=resamples),
        measure_share(exact),
        _table(ours[both] + 1, theirs[both] + 1, CLASSES).tolist(),
    )


def preference_sayings(
    comparisons: Ints, labelers: Ints, choices: Ints, margins: Ints, *, count: int
) -> ReliabilityData:
    """Preferences on Llama 2's scale, from 0 (left significantly better) by 4 (tie) to 8 (right significantly better).

    A choice is -1 left, 0 tie, 1 right, as the comparison stands and not as the page showed it; a margin is
    1 negligibly to 4 significantly.
    """
    return ReliabilityData(comparisons, labelers, 4 + choices * margins, np.arange(count), 9)


def choices_of(reliability_data: ReliabilityData) -> ReliabilityData:
    """The same preferences without their margins: 0 left, 1 tie, 2 right."""
    return ReliabilityData(
        reliability_data.units,
        reliability_data.labelers,
        1 + np.sign(reliability_data.values - 4),
        reliability_data.clusters,
        3,
    )


def pairs_of(reliability_data: ReliabilityData) -> Pairs:
    """Every two words on one unit by different labelers."""
    order = np.lexsort((reliability_data.labelers, reliability_data.units))
    units, labelers, values = (
        reliability_data.units[order],
        reliability_data.labelers[order],
        reliability_data.values[order],
    )
    left = np.arange(len(units))
    found: list[tuple[Ints, Ints]] = []
    for lag in range(1, len(units)):
        left = left[left + lag < len(units)]
        left = left[units[left] == units[left + lag]]
        if not len(left):
            break
        differ = left[labelers[left] != labelers[left + lag]]
        found.append((differ, differ + lag))
    firsts, seconds = (
        (np.concatenate([ints([]), *side]) for side in zip(*found, strict=True)) if found else (ints([]),) * 2
    )
    return Pairs(units[firsts], labelers[firsts], labelers[seconds], values[firsts], values[seconds])


# --- tallies ----------------------------------------------------------------------------------------------


def _matches(both: Pairs) -> tuple[Floats, Floats]:
    """Whether two name the same first error; whether they name neighbours at most, where both name one."""
    exact = both.first_said == both.second_said
    found = (both.first_said > 0) & (both.second_said > 0)
    near = exact | (found & (abs(both.first_said - both.second_said) <= 1))
    return exact.astype(np.float64), near.astype(np.float64)


def _shares(hits: Floats, units: Ints, count: int) -> Floats:
    """Per solution: the share of its pairs that match, and 1, so that each solution counts alike."""
    pairs = np.bincount(units, minlength=count)
    shares = np.bincount(units, weights=hits, minlength=count) / np.maximum(pairs, 1)
    return np.column_stack((shares, pairs > 0))


def _bearing(tallies: Floats, *columns: int) -> Floats:
    """Only solutions that have anything in these columns: a share rests on no others."""
    bears = np.asarray(tallies[:, list(columns)].any(axis=1), dtype=np.bool_)
    return np.asarray(tallies * bears[:, None])


def _read_precision(tallies: Floats) -> Floats:
    return np.asarray(tallies[..., 0] / (tallies[..., 0] + tallies[..., 1]))


def _read_recall(tallies: Floats) -> Floats:
    return np.asarray(tallies[..., 0] / (tallies[..., 0] + tallies[..., 2]))


def _table(first: Ints, second: Ints, values: int) -> Ints:
    return np.bincount(first * values + second, minlength=values * values).reshape(values, values)


def _by_couple(both: Pairs) -> dict[tuple[int, int], Pairs]:
    order = np.lexsort((both.units, both.second, both.first))
    rows = np.stack((both.units, both.first, both.second, both.first_said, both.second_said))[:, order]
    changes = np.flatnonzero((np.diff(rows[1]) != 0) | (np.diff(rows[2]) != 0)) + 1
    parts = np.split(rows, changes, axis=1) if rows.shape[1] else []
    return {(int(part[1, 0]), int(part[2, 0])): Pairs(*part) for part in parts}


def _dense(numbers: Ints) -> Ints:
    """The same numbers counted from 0 without gaps."""
    return np.unique(numbers, return_inverse=True)[1]
