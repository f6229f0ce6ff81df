"""The pairs of a comparison round: existing comparisons, as from a file, or new pairs of solutions or steps."""

from __future__ import annotations

import itertools
import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar
from uuid import UUID

from django.db.models import QuerySet

from apps.core.db.locks import advisory_xact_lock
from apps.corpus.comparisons import Pair, Side, shared_steps
from apps.corpus.imports.store.comparisons import store_pairs
from apps.corpus.models import Comparison, Solution, Step
from apps.labeling.protocols.comparison import ComparisonOptions
from apps.labeling.rounds.selection import Selection

CHUNK = 500
# The limits of a quick count: solutions to make pairs of, and pairs.
COUNTED_TO = 2000
PAIR_RULES = ("right_wrong", "score", "random")

T = TypeVar("T")
SolutionRow = tuple[int, UUID, bool | None, float | None]  # Id, digest, is_correct, verifier_score.


def planned_pairs(options: ComparisonOptions, selection: Selection, solutions: QuerySet[Solution]) -> list[Pair]:
    """The distinct pairs to be compared, in the order in which they are served.

    Both sides belong to selected solutions; the selection's sample is one of pairs. Pairs of two sides with the same
    text are dropped before sampling.
    """
    return _distinct(list(_draw_pairs(options, selection, solutions)), selection)


def pair_count(options: ComparisonOptions, selection: Selection, solutions: QuerySet[Solution]) -> int | None:
    """The number of planned pairs, which is known only by making them; None if that would take more than a moment."""
    selected = replace(selection, sample=None).apply(solutions).order_by()
    if selected[: COUNTED_TO + 1].count() > COUNTED_TO:
        return None
    pairs = list(itertools.islice(_draw_pairs(options, selection, solutions), COUNTED_TO + 1))
    return len(_distinct(pairs, selection)) if len(pairs) <= COUNTED_TO else None


def _draw_pairs(options: ComparisonOptions, selection: Selection, solutions: QuerySet[Solution]) -> Iterator[Pair]:
    selected = replace(selection, sample=None).apply(solutions)
    if options.pairs == "steps":
        return _step_pairs(selected, options)
    return _solution_pairs(selected, options.pairs, options.each, options.seed)


def drawn_pairs(solutions: QuerySet[Solution], *, rule: str, each: int, seed: int) -> list[Pair]:
    """At most `each` distinct pairs of these solutions for each problem, by a rule of PAIR_RULES."""
    return _distinct_pairs(list(_solution_pairs(solutions, rule, each, seed)))


def _distinct(pairs: Sequence[Pair], selection: Selection) -> list[Pair]:
    distinct = _distinct_pairs(pairs)
    if selection.sample is None:
        return distinct
    # The digest is a hash of the content, so its order is a random order that is the same each time.
    return sorted(distinct, key=lambda pair: pair.digest)[: selection.sample]


def _distinct_pairs(pairs: Sequence[Pair]) -> list[Pair]:
    distinct: dict[tuple[int, UUID], Pair] = {}
    for chunk in _chunks(pairs):
        for pair in with_shared_steps(chunk):
            distinct.setdefault((pair.problem_id, pair.digest), pair)
    return list(distinct.values())


def create_comparisons(project_id: int, pairs: Sequence[Pair]) -> list[int]:
    """The ids of the pairs' comparisons, in the order of the pairs. Missing comparisons are created."""
    advisory_xact_lock("import", project_id)
    return [comparison.id for chunk in _chunks(pairs) for comparison in store_pairs(project_id, chunk)]


def _existing(selected: QuerySet[Solution]) -> QuerySet[Comparison]:
    """The existing comparisons of two selected solutions."""
    ids = selected.order_by().values("id")
    return Comparison.objects.filter(left__in=ids, right__in=ids)


def existing_sides(solutions: QuerySet[Solution], selection: Selection) -> list[tuple[int, int, int]]:
    """The existing comparisons that are selected, in the order of serving: id, left solution, right solution."""
    comparisons = _existing(replace(selection, sample=None).apply(solutions))
    is_whole = selection.sample is None
    comparisons = comparisons.order_by("id") if is_whole else comparisons.order_by("digest")[: selection.sample]
    return list(comparisons.values_list("id", "left", "right"))


def existing_count(solutions: QuerySet[Solution], selection: Selection, most: int) -> int:
    """The number of existing comparisons that are selected, at most `most`."""
    selected = replace(selection, sample=None).apply(solutions)
    return _existing(selected)[: min(most, selection.sample or most)].count()


# --- pairs of solutions -----------------------------------------------------------------------------------


def _solution_pairs(selected: QuerySet[Solution], rule: str, each: int, seed: int) -> Iterator[Pair]:
    columns = ("problem_id", "id", "digest", "is_correct", "verifier_score")
    rows = selected.order_by("problem_id", "id").values_list(*columns)
    for problem_id, group in itertools.groupby(rows.iterator(), key=lambda row: row[0]):
        solutions: list[SolutionRow] = [row[1:] for row in group]
        dice = random.Random(f"{seed}:{problem_id}")  # noqa: S311 - reproducible, no secret
        for left, right in draw_two(solutions, rule, each, dice):
            yield Pair(problem_id, Side(left[0], left[1]), Side(right[0], right[1]))


def draw_two(
    solutions: Sequence[SolutionRow], rule: str, each: int, dice: random.Random
) -> Iterable[tuple[SolutionRow, SolutionRow]]:
    """Pairs by the rule: a right and a wrong answer, a higher and a lower verifier score, or any two."""
    if rule == "right_wrong":
        right = [solution for solution in solutions if solution[2] is True]
        wrong = [solution for solution in solutions if solution[2] is False]
        for number in _sample(len(right) * len(wrong), each, dice):
            yield right[number // len(wrong)], wrong[number % len(wrong)]
    elif rule == "score":
        scored = [solution for solution in solutions if solution[3] is not None]
        pairs = [pair for pair in itertools.combinations(scored, 2) if pair[0][3] != pair[1][3]]
        yield from dice.sample(pairs, min(each, len(pairs)))
    else:
        for one, other in any_two(len(solutions), each, dice):
            yield solutions[one], solutions[other]


def _sample(count: int, most: int, dice: random.Random) -> list[int]:
    return dice.sample(range(count), min(count, most))


def any_two(count: int, most: int, dice: random.Random) -> Iterator[tuple[int, int]]:
    """At most `most` distinct pairs of `count` items, as indices. Pairs are drawn by number, without listing them all."""
    for number in _sample(count * (count - 1) // 2, most, dice):
        # Pairs are numbered (0,1), (0,2), (1,2), (0,3) and so on: the larger index is at the triangular root.
        larger = (1 + math.isqrt(1 + 8 * number)) // 2
        yield number - larger * (larger - 1) // 2, larger


def with_shared_steps(pairs: Sequence[Pair]) -> list[Pair]:
    """The pairs with the number of steps that both sides begin with, without pairs of equal solutions."""
    ids = {side.solution_id for pair in pairs for side in (pair.left, pair.right) if side.step_id is None}
    texts: defaultdict[int, list[str]] = defaultdict(list)
    path = Step.objects.filter(solution_id__in=ids, chosen=True).order_by("solution_id", "position")
    for solution_id, text in path.values_list("solution_id", "text"):
        texts[solution_id].append(text)
    measured: list[Pair] = []
    for pair in pairs:
        left, right = texts[pair.left.solution_id], texts[pair.right.solution_id]
        if pair.left.step_id is not None:
            measured.append(pair)
        elif left != right:
            measured.append(replace(pair, shared_steps=shared_steps(left, right)))
    return measured


# --- pairs of steps ---------------------------------------------------------------------------------------


def _step_pairs(selected: QuerySet[Solution], options: ComparisonOptions) -> Iterator[Pair]:
    """Pairs of candidates at one position, such as the alternatives to a bad step in PRM800K's phase 2."""
    branching = Step.objects.filter(candidate__gt=0, solution__in=selected.order_by().values("id"))
    places = sorted(set(branching.order_by().values_list("solution_id", "position")))
    for chunk in _chunks(places):
        ids = {solution_id for solution_id, _ in chunk}
        rows = Solution.objects.filter(id__in=ids).values_list("id", "problem_id", "digest")
        solutions = {pk: (problem, digest) for pk, problem, digest in rows}
        candidates: defaultdict[tuple[int, int], dict[str, tuple[int, int]]] = defaultdict(dict)
        steps = Step.objects.filter(solution_id__in=ids).order_by("solution_id", "position", "candidate")
        fields = ("id", "solution_id", "position", "candidate", "text")
        for pk, solution_id, position, candidate, text in steps.values_list(*fields):
            # Some sources contain the same text twice, which is nothing to compare.
            candidates[solution_id, position].setdefault(text.strip(), (pk, candidate))
        for solution_id, position in chunk:
            problem_id, digest = solutions[solution_id]
            here = candidates[solution_id, position].values()
            sides = [Side(solution_id, digest, pk, (position, candidate)) for pk, candidate in here]
            dice = random.Random(f"{options.seed}:{solution_id}:{position}")  # noqa: S311
            for first, second in any_two(len(sides), options.each, dice):
                yield Pair(problem_id, sides[first], sides[second], shared_steps=position)


def _chunks(items: Sequence[T]) -> Iterator[Sequence[T]]:
    yield from (items[start : start + CHUNK] for start in range(0, len(items), CHUNK))
