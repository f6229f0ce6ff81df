"""Votes among N samples: the most frequent answer (self-consistency), and votes weighted by scores. Pure.

Wang et al. 2022 (arXiv 2203.11171): the answer that most samples have. Answers are classes of equal answers, by the
verifier and not by their text. Equally frequent answers are equally likely to win. Samples without an answer do not vote.

majority@N is exact. Let class j have m_j samples. It wins a random N-subset with c votes if no class has more; if t
others have c, too, its share is 1 / (t + 1). The number of such subsets is C(m_j, c) times the coefficient of x^(N-c) in

    product over the other classes k of (sum over i < c of C(m_k, i) x^i + y C(m_k, c) x^c),

where the exponent of y counts the ties, and the share 1 / (t + 1) is the integral of y^t from 0 to 1. Gauss-Legendre
quadrature with more than half as many nodes as the degree integrates polynomials exactly, so each polynomial in x is
computed at a few values of y. One pass yields all N.

A weighted vote sums the scores of each class (Li et al. 2022, arXiv 2206.02336). It has no such form: all subsets are
enumerated where they are at most DRAWS, else as many are drawn, and the standard error is stated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from math import comb

import numpy as np

from apps.evaluation.metrics.subsets import subsets
from apps.quality.statistics.ratings import Floats, Ints

NO_ANSWER = -1
DRAWS = 400  # As many as PRM800K's own evaluation draws.
MOST_SAMPLES = 1000  # Binomial coefficients of more than about 1,020 do not fit into a float.

Pair = tuple[int, str, str]


def answer_classes(
    answers: Sequence[Sequence[str]], equal: Callable[[Sequence[Pair]], Sequence[bool]]
) -> list[list[int]]:
    """The class of each answer, for the distinct answers of many problems.

    `equal` decides pairs of (problem, answer, answer), many at a time. Each answer is compared with the first answer of
    each class of its problem so far, so the order of the answers decides where equality is not transitive.
    """
    firsts: list[list[str]] = [[] for _ in answers]
    classes: list[list[int]] = [[] for _ in answers]
    for place in range(max(map(len, answers), default=0)):
        pairs = [
            (problem, first, own[place])
            for problem, own in enumerate(answers)
            if place < len(own)
            for first in firsts[problem]
        ]
        verdicts = iter(equal(pairs) if pairs else ())
        for problem, own in enumerate(answers):
            if place < len(own):
                matches = [next(verdicts) for _ in firsts[problem]]
                classes[problem].append(matches.index(True) if True in matches else len(firsts[problem]))
                if True not in matches:
                    firsts[problem].append(own[place])
    return classes


def majority_at_n(classes: Ints, right: Floats, ns: Ints) -> Floats:
    """The expected accuracy of the majority vote for each n; at most MOST_SAMPLES samples. NO_ANSWER does not vote."""
    votes = classes != NO_ANSWER
    if not votes.any():
        return np.zeros(len(ns))
    sizes = np.bincount(classes[votes])
    share_right = np.bincount(classes[votes], weights=right[votes]) / np.maximum(sizes, 1)
    expected = np.zeros(int(ns.max()) + 1)
    for winner in np.flatnonzero(share_right):
        expected += share_right[winner] * _wins(sizes, int(winner), int((~votes).sum()), len(expected) - 1)
    total = len(classes)
    return np.array([expected[n] / comb(total, n) for n in ns.tolist()])


def vote_at_n(
    classes: Ints, right: Floats, weights: Floats, n: int, *, rng: np.random.Generator
) -> tuple[float, float]:
    """The expected accuracy of the vote with these weights, and the variance of the estimate: 0 where it is exact."""
    chosen, are_all = subsets(len(classes), n, most=DRAWS, rng=rng)
    count = int(classes.max(initial=NO_ANSWER)) + 1
    if not count:
        return 0.0, 0.0
    votes = classes != NO_ANSWER
    sizes = np.maximum(np.bincount(classes[votes], minlength=count), 1)
    share_right = np.bincount(classes[votes], weights=right[votes], minlength=count) / sizes
    flat = np.arange(len(chosen))[:, None] * (count + 1) + classes[chosen] + 1
    shape = (len(chosen), count + 1)
    present = np.bincount(flat.ravel(), minlength=shape[0] * shape[1]).reshape(shape)[:, 1:] > 0
    sums = np.bincount(flat.ravel(), weights=weights[chosen].ravel(), minlength=shape[0] * shape[1]).reshape(shape)[
        :, 1:
    ]
    sums = np.where(present, sums, -np.inf)
    is_top = present & (sums >= sums.max(axis=1, keepdims=True))
    outcomes = (is_top * share_right).sum(axis=1) / np.maximum(is_top.sum(axis=1), 1)
    return float(outcomes.mean()), 0.0 if are_all else float(outcomes.var() / len(outcomes))


def _wins(sizes: Ints, winner: int, silent: int, most: int) -> Floats:
    """How many n-subsets the class wins, ties shared, for each n from 0 to `most`."""
    other_sizes = np.delete(sizes, winner)
    wins = np.zeros(most + 1)
    for votes in range(1, min(int(sizes[winner]), most) + 1):
        rivals = other_sizes[other_sizes >= votes]
        nodes, node_weights = _quadrature(min(len(rivals), most // votes))
        # Classes that cannot reach as many votes may take any number, as may samples without an answer.
        free = silent + int(other_sizes[other_sizes < votes].sum())
        ways = np.tile(_choices(free, most - votes), (len(nodes), 1))
        for size in rivals.tolist():
            ways = _times(ways, _choices(size, votes), votes, nodes)
        wins[votes:] += comb(int(sizes[winner]), votes) * (node_weights @ ways)
    return wins


@cache
def _quadrature(degree: int) -> tuple[Floats, Floats]:
    """Nodes and weights that integrate polynomials up to this degree exactly from 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(degree // 2 + 1)
    return (nodes + 1) / 2, weights / 2


def _times(ways: Floats, choices: Floats, votes: int, ties: Floats) -> Floats:
    """The polynomials times that of one more class, which may have up to `votes` votes; `votes` itself is a tie."""
    product = np.zeros_like(ways)
    for count, factor in enumerate(choices.tolist()[: ways.shape[1]]):
        scale = factor * ties[:, None] if count == votes else factor
        product[:, count:] += scale * ways[:, : ways.shape[1] - count]
    return product


def _choices(size: int, most: int) -> Floats:
    """C(size, i) for i from 0 to `most`."""
    return np.array([float(comb(size, count)) for count in range(most + 1)])
