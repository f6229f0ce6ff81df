"""Curves of accuracy against N, over the problems of an evaluation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from apps.evaluation.metrics.best_of_n import best_of_n
from apps.evaluation.metrics.majority import MOST_SAMPLES, majority_at_n, vote_at_n
from apps.evaluation.metrics.pass_at_k import pass_at_k
from apps.evaluation.options import EvaluationOptions
from apps.evaluation.reports.base import Report
from apps.quality.statistics.bootstrap import measure
from apps.quality.statistics.ratings import Bools, Floats, Ints, ints

MOST_POWERS = 11


@dataclass(frozen=True, slots=True)
class SampledProblems:
    """The samples of problems: which are right, the places of each problem's own, and the Ns of the curves."""

    right: Floats
    places: Sequence[Ints]
    ns: Ints
    options: EvaluationOptions

    @classmethod
    def of(cls, is_right: Bools, problems: Ints, largest_n: int, options: EvaluationOptions) -> SampledProblems:
        """The Ns are the powers of two below `largest_n`, and `largest_n`."""
        order = np.argsort(problems, kind="stable")
        _, starts = np.unique(problems[order], return_index=True)
        places = [ints(own) for own in np.split(order, starts[1:])] if len(order) else []
        powers = [2**power for power in range(MOST_POWERS) if 2**power < largest_n]
        return cls(is_right.astype(np.float64), places, ints([*powers, largest_n]), options)

    def passes(self) -> Report:
        return self._curve("pass", lambda own: pass_at_k(len(own), int(self.right[own].sum()), self.ns))

    def best(self, scores: Floats, is_answered: Bools) -> Report:
        def accuracies(own: Ints) -> Floats:
            return best_of_n(scores[own], self.right[own], self.ns, is_answered[own])

        return self._curve("best_of_n", accuracies)

    def majority(self, classes: Ints) -> Report:
        """In closed form, unless a problem has more samples than that allows."""
        if max(map(len, self.places)) > MOST_SAMPLES:
            return self.vote("majority", classes, np.ones(len(self.right)))
        return self._curve("majority", lambda own: majority_at_n(classes[own], self.right[own], self.ns))

    def vote(self, kind: str, classes: Ints, weights: Floats) -> Report:
        """A weighted vote, without a closed form; `error` is the largest standard error of its accuracies."""
        rng = np.random.default_rng(self.options.seed)
        results = np.array(
            [
                [vote_at_n(classes[own], self.right[own], weights[own], n, rng=rng) for n in self.ns.tolist()]
                for own in self.places
            ]
        )
        error = sqrt(float(results[..., 1].sum(axis=0).max())) / len(self.places)
        return self._points(kind, results[..., 0]) | {"error": error or None}

    def _curve(self, kind: str, accuracies: Callable[[Ints], Floats]) -> Report:
        return self._points(kind, np.stack([accuracies(own) for own in self.places]))

    def _points(self, kind: str, values: Floats) -> Report:
        """The mean over problems for each N, with intervals by the bootstrap over problems."""
        points = []
        for n, column in zip(self.ns.tolist(), values.T, strict=True):
            tallies = np.column_stack((column, np.ones(len(column))))
            measured = measure(tallies, _mean, resamples=self.options.resamples)
            points.append({"n": n, "value": measured.value, "low": measured.low, "high": measured.high})
        return {"kind": kind, "scorer": None, "reducer": "", "points": points, "error": None}


def _mean(sums: Floats) -> Floats:
    return np.asarray(sums[..., 0] / sums[..., 1])
