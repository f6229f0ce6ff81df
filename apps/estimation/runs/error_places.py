"""Where the first errors of wrong solutions may be, as far as texts tell before any rollout.

What a search spends hangs on that: an error in the first step is never found with certainty, and takes all that is
allowed. A prefix that a right solution of the problem shares has no error yet: the answer was reached from it. The step
after it is the suspect one, the more so the more often right solutions of a problem are the same, word for word.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import QuerySet

from apps.corpus.models import Solution, Step

SAMPLE = 500
SIBLINGS = 4 * SAMPLE

Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ErrorPlaces:
    """By the number of steps: how many wrong solutions share so many steps with a right one of their problem.

    None stands for a problem without a right solution. `alike` is how often a right step is, word for word, the one
    that another right solution has there.
    """

    shared: Mapping[int, Mapping[int | None, int]] = field(default_factory=dict)
    alike: float = 0.0

    def weights(self, steps: int) -> tuple[float, ...]:
        """How likely the first error of a wrong solution is at each of its steps but the last; sums to 1."""
        found = self.shared.get(steps) or {None: 1}
        each = [(error_weights(steps, shared, self.alike), count) for shared, count in found.items()]
        total = sum(found.values())
        return tuple(
            sum(weights[place] * count / total for weights, count in each) for place in range(max(1, steps - 1))
        )


def error_weights(steps: int, shared: int | None, alike: float) -> list[float]:
    """Of one solution. Its last step states the answer of those before."""
    places = max(1, steps - 1)
    first = 0 if shared is None else min(shared, places - 1)
    later = 1.0 if shared is None else 1.0 - alike
    weights = [0.0] * first + [1.0] + [later] * (places - 1 - first)
    return [weight / sum(weights) for weight in weights]


def error_places(solutions: QuerySet[Solution], *, duplicates: int = 0) -> ErrorPlaces:
    """Of a sample. So many `duplicates` of right solutions were not kept when the solutions were written."""
    wrong = list(solutions.filter(is_correct=False).order_by("id").values_list("id", "problem_id")[:SAMPLE])
    problems = {problem for _, problem in wrong}
    right = list(
        Solution.objects.written()
        .filter(problem__in=problems, is_correct=True)
        .order_by("id")
        .values_list("id", "problem_id")[:SIBLINGS]
    )
    texts = _texts([pk for pk, _ in (*wrong, *right)])
    siblings: defaultdict[int, list[Texts]] = defaultdict(list)
    for pk, problem in right:
        siblings[problem].append(texts[pk])
    shared: defaultdict[int, Counter[int | None]] = defaultdict(Counter)
    for pk, problem in wrong:
        others = siblings.get(problem)
        steps = texts[pk]
        shared[len(steps)][max(_common(steps, one) for one in others) if others else None] += 1
    return ErrorPlaces(shared, _alikeness(siblings.values(), duplicates))


def _texts(solution_ids: Sequence[int]) -> dict[int, Texts]:
    found: defaultdict[int, list[str]] = defaultdict(list)
    rows = Step.objects.filter(solution_id__in=solution_ids, chosen=True).order_by("solution_id", "position")
    for solution_id, text in rows.values_list("solution_id", "text").iterator():
        found[solution_id].append(text)
    return {pk: tuple(found[pk]) for pk in solution_ids}


def _alikeness(groups: Iterable[Sequence[Texts]], duplicates: int) -> float:
    """Step by step, as long as two right solutions of a problem have been the same until then."""
    same, differing, steps, count = 0.0, 0, 0, 0
    for first, *others in groups:
        steps, count = steps + len(first), count + 1
        for other in others:
            common = _common(first, other)
            same += common
            differing += common < max(len(first), len(other))
    same += duplicates * steps / count if count else 0
    # However alike they have been, another one may be worded otherwise.
    return same / (same + differing + 1)


def _common(one: Texts, other: Texts) -> int:
    return next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
