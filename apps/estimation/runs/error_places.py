"""Weights of the positions at which wrong solutions may have their first error, from the texts alone.

The cost of a search depends on that position: an error in the first step is never found with certainty and takes the
whole budget. A prefix that a right solution of the problem shares has no error, because the answer was reached from it.
The step after it is the likeliest, all the more the more often right solutions of a problem are equal word for word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet

from apps.corpus.models import Solution, Step

SAMPLE = 500
RIGHT_SAMPLE = 4 * SAMPLE

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ErrorPlaces:
    """`shared`: by length, how many wrong solutions share how many steps with a right solution of their problem.

    The key None counts problems without a right solution. `similarity` is how often a right step equals, word for word,
    that of another right solution at the same position.
    """

    shared: Mapping[int, Mapping[int | None, int]] = field(default_factory=dict)
    similarity: float = 0.0

    def weights(self, steps: int) -> tuple[float, ...]:
        """The probability of the first error at each position but the last, for a wrong solution of `steps` steps."""
        counts = self.shared.get(steps) or {None: 1}
        groups = [(error_weights(steps, shared, self.similarity), count) for shared, count in counts.items()]
        total = sum(counts.values())
        return tuple(
            sum(weights[position] * count / total for weights, count in groups) for position in range(max(1, steps - 1))
        )


def error_weights(steps: int, shared: int | None, similarity: float) -> list[float]:
    """The weights for one solution, summing to 1. Its last step is left out: it only states the answer."""
    positions = max(1, steps - 1)
    first = 0 if shared is None else min(shared, positions - 1)
    later = 1.0 if shared is None else 1.0 - similarity
    weights = [0.0] * first + [1.0] + [later] * (positions - 1 - first)
    return [weight / sum(weights) for weight in weights]


def error_places(solutions: QuerySet[Solution], *, duplicates: int = 0) -> ErrorPlaces:
    """From a sample of these solutions. `duplicates` right solutions were sampled but not stored again."""
    wrong = list(solutions.filter(is_correct=False).order_by("id").values_list("id", "problem_id")[:SAMPLE])
    right = list(
        Solution.objects.written()
        .filter(problem__in={problem for _, problem in wrong}, is_correct=True)
        .order_by("id")
        .values_list("id", "problem_id")[:RIGHT_SAMPLE]
    )
    texts = _texts([pk for pk, _ in (*wrong, *right)])
    right_of: defaultdict[int, list[Texts]] = defaultdict(list)
    for pk, problem in right:
        right_of[problem].append(texts[pk])
    shared: defaultdict[int, Counter[int | None]] = defaultdict(Counter)
    for pk, problem in wrong:
        steps = texts[pk]
        shared[len(steps)][max((_common(steps, other) for other in right_of.get(problem, ())), default=None)] += 1
    return ErrorPlaces(shared, _similarity(right_of.values(), duplicates))


def _texts(solution_ids: Sequence[int]) -> dict[int, Texts]:
    texts: defaultdict[int, list[str]] = defaultdict(list)
    rows = Step.objects.filter(solution_id__in=solution_ids, chosen=True).order_by("solution_id", "position")
    for solution_id, text in rows.values_list("solution_id", "text").iterator():
        texts[solution_id].append(text)
    return {pk: tuple(texts[pk]) for pk in solution_ids}


def _similarity(groups: Iterable[Sequence[Texts]], duplicates: int) -> float:
    """The share of equal steps among right solutions of a problem, up to the first difference of each pair."""
    same, differing, steps, count = 0.0, 0, 0, 0
    for first, *rest in groups:
        steps, count = steps + len(first), count + 1
        for other in rest:
            common = _common(first, other)
            same += common
            differing += common < max(len(first), len(other))
    same += duplicates * steps / count if count else 0
    # Never 1: however similar they are, another solution may differ.
    return same / (same + differing + 1)


def _common(texts: Texts, other: Texts) -> int:
    """The number of equal steps at the beginning of both."""
    return next(
        (position for position, (a, b) in enumerate(zip(texts, other, strict=False)) if a != b),
        min(len(texts), len(other)),
    )
