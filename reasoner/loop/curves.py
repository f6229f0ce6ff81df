"""Best-of-N, majority and pass@N over problems, with intervals. The closed forms are the product's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from apps.evaluation.metrics.best_of_n import best_of_n
from apps.evaluation.metrics.majority import NO_ANSWER, majority_at_n
from apps.evaluation.metrics.pass_at_k import pass_at_k

NS = np.array([1, 2, 4, 8, 16, 32, 64])
RESAMPLES, SEED = 2000, 7

Curve = np.ndarray  # Problems times NS: the expected accuracy on each problem.


@dataclass(frozen=True, slots=True)
class Sampled:
    """The samples of one problem. `is_right` says whether the answers are, and `marks` what the exact checker says of lines."""

    question: str
    lines: list[list[str]]
    answers: list[str | None]
    is_right: list[bool]
    marks: list[list[bool]]


def distinct_solutions(problems: Sequence[Sampled]) -> list[tuple[str, tuple[str, ...]]]:
    """Each text once: a question and the lines of a solution."""
    return list(dict.fromkeys((own.question, tuple(lines)) for own in problems for lines in own.lines))


def pass_curve(problems: Sequence[Sampled]) -> Curve:
    return np.array([pass_at_k(len(problem.is_right), sum(problem.is_right), NS) for problem in problems])


def majority_curve(problems: Sequence[Sampled]) -> Curve:
    return np.array([_majority(problem) for problem in problems])


def _majority(problem: Sampled) -> np.ndarray:
    numbers = {answer: place for place, answer in enumerate(dict.fromkeys(problem.answers)) if answer}
    classes = np.array([numbers.get(answer or "", NO_ANSWER) for answer in problem.answers])
    return majority_at_n(classes, np.array(problem.is_right, dtype=float), NS)


def best_curve(problems: Sequence[Sampled], scores: Sequence[Sequence[float]]) -> Curve:
    return np.array([_best(problem, own) for problem, own in zip(problems, scores, strict=True)])


def _best(problem: Sampled, scores: Sequence[float]) -> np.ndarray:
    is_answered = np.array([bool(answer) for answer in problem.answers])
    return best_of_n(np.array(scores), np.array(problem.is_right, dtype=float), NS, is_answered)


@dataclass(frozen=True, slots=True)
class Summary:
    """Mean over seeds and problems for each of NS; a 95 % interval over problems; the mean of each seed."""

    mean: list[float]
    low: list[float]
    high: list[float]
    seeds: list[list[float]]


def summary(curves: Sequence[Curve]) -> Summary:
    """`curves` are those of the seeds, over the same problems."""
    over_problems = np.mean(curves, axis=0)
    low, high = np.quantile(_resampled(over_problems), (0.025, 0.975), axis=0)
    return Summary(
        mean=_rounded(over_problems.mean(axis=0)),
        low=_rounded(low),
        high=_rounded(high),
        seeds=[_rounded(curve.mean(axis=0)) for curve in curves],
    )


def differences(curves: Mapping[str, Sequence[Curve]], pairs: Sequence[tuple[str, str]]) -> dict[str, Summary]:
    """How much better the first of each pair is than the second, problem by problem."""
    return {
        f"{first} - {second}": summary(
            [better - worse for better, worse in zip(curves[first], curves[second], strict=True)]
        )
        for first, second in pairs
    }


def _resampled(values: Curve) -> np.ndarray:
    """The means of bootstrap samples of the problems."""
    dice = np.random.default_rng(SEED)
    places = dice.integers(len(values), size=(RESAMPLES, len(values)))
    return values[places].mean(axis=1)


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(value), 4) for value in values]
