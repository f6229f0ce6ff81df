"""Simulated labelers with known error rates, over solutions with known labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from apps.corpus.labels import BAD, GREAT, NO_ERROR, OKAY, UNKNOWN
from apps.quality.statistics.ratings import Floats, Ints, Ratings

MARGINALS = (0.09, 0.08, 0.83)  # Of bad, okay and great steps, about those of PRM800K.
SPAMMER = tuple((0.1, 0.1, 0.8) for _ in range(3))  # Guesses what is most often right, whatever the step.


@dataclass(frozen=True, slots=True)
class World:
    truth: Ints  # Per step.
    first_errors: Ints  # Per solution.
    ratings: Ratings


def labeler(error: float) -> tuple[tuple[float, ...], ...]:
    """Errs with this chance, evenly over the other two ratings."""
    return tuple(tuple(1 - error if rating == true else error / 2 for rating in range(3)) for true in range(3))


def simulate(confusions: Sequence[Sequence[Sequence[float]]], *, solutions: int, seed: int) -> World:
    """Every labeler rates every solution and stops after the first step that they call bad."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(4, 11, solutions)
    offsets = np.concatenate(([0], np.cumsum(lengths)))
    truth = rng.choice((BAD, OKAY, GREAT), p=MARGINALS, size=int(offsets[-1]))
    solution_of = np.repeat(np.arange(solutions), lengths)
    steps, labelers, ratings = [], [], []
    for number, confusion in enumerate(confusions):
        drawn_ratings = _draw_ratings(np.asarray(confusion), truth, rng)
        reached = np.arange(len(truth)) <= _ends(drawn_ratings, offsets)[solution_of]
        steps.append(np.flatnonzero(reached))
        labelers.append(np.full(reached.sum(), number))
        ratings.append(drawn_ratings[reached])
    all_ratings = Ratings.of(np.concatenate(steps), np.concatenate(labelers), np.concatenate(ratings), offsets)
    ends = _ends(truth, offsets)
    first_errors = np.where(truth[ends] == BAD, ends - offsets[:-1], NO_ERROR)
    return World(truth, first_errors, all_ratings)


def exactness(world: World, first_errors: Ints) -> float:
    """The share of all solutions whose first error is found; what is left open or given up is not found."""
    return float((first_errors == world.first_errors).mean())


def exactness_of_settled(world: World, first_errors: Ints) -> float:
    settled = first_errors != UNKNOWN
    return float((first_errors == world.first_errors)[settled].mean())


def exactness_of_each(world: World) -> list[float]:
    """Of each labeler alone."""
    named = world.ratings.first_errors()
    right = named.errors == world.first_errors[named.solutions]
    return [float(right[named.labelers == number].mean()) for number in range(world.ratings.labeler_count)]


def _draw_ratings(confusion: Floats, truth: Ints, rng: np.random.Generator) -> Ints:
    edges = np.cumsum(confusion, axis=1)[truth + 1]
    drawn = rng.random(len(truth))
    return (drawn[:, None] >= edges[:, :2]).sum(axis=1) - 1


def _ends(labels: Ints, offsets: Ints) -> Ints:
    """The step at which labeling ends: the first bad one, or the last."""
    bad = np.where(labels == BAD, np.arange(len(labels)), len(labels))
    return np.minimum(np.minimum.reduceat(bad, offsets[:-1]), offsets[1:] - 1)
